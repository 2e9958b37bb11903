#!/bin/sh
# One Apache Kafka in KRaft mode: SCRAM users over TLS, deny by default. Passwords come as files of /run/secrets/kafka
# and go into a settings file on a tmpfs; neither the environment nor a command line ever holds one.
set -eu
umask 077

secrets=/run/secrets/kafka
data=/var/lib/kafka/data
settings=/tmp/server.properties
bin=/opt/kafka/bin

secret() {
    [ -s "$secrets/$1" ] || { echo "kafka: the secret $1 is missing or empty: run \`kizashi secrets\`" >&2; exit 78; }
    cat "$secrets/$1"
}

broker=$(secret broker)
admin=$(secret admin)
secret server.pem > /dev/null
secret ca.pem > /dev/null

listeners="CLIENT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093"
advertised="CLIENT://${KAFKA_NAME:-kafka}:9092"
protocols="CLIENT:SASL_SSL,CONTROLLER:SASL_PLAINTEXT"
if [ -n "${KAFKA_PUBLIC_ADDRESS:-}" ]; then
    listeners="$listeners,PUBLIC://0.0.0.0:9094"
    advertised="$advertised,PUBLIC://$KAFKA_PUBLIC_ADDRESS"
    protocols="$protocols,PUBLIC:SASL_SSL"
fi

scram=org.apache.kafka.common.security.scram.ScramLoginModule
plain=org.apache.kafka.common.security.plain.PlainLoginModule

cat > "$settings" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
listeners=$listeners
advertised.listeners=$advertised
listener.security.protocol.map=$protocols
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs=$data
metadata.log.dir=$data

ssl.keystore.type=PEM
ssl.keystore.location=$secrets/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$secrets/ca.pem
ssl.client.auth=none
ssl.enabled.protocols=TLSv1.3,TLSv1.2

sasl.enabled.mechanisms=SCRAM-SHA-256
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.scram-sha-256.sasl.jaas.config=$scram required username="broker" password="$broker";
listener.name.public.scram-sha-256.sasl.jaas.config=$scram required;
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$plain required username="broker" password="$broker" user_broker="$broker";

authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:broker;User:admin

auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=12
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=4194304
replica.fetch.max.bytes=4194304
EOF

export LOG_DIR=/tmp/logs
export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=/etc/kizashi/log4j2.properties"
export EXTRA_ARGS="-name kafkaServer"

if [ ! -f "$data/meta.properties" ]; then
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')
    # arguments by file: a command line can be read by every process of the machine
    cat > /tmp/format.arguments <<EOF
format
--cluster-id=$id
--config=$settings
--add-scram=SCRAM-SHA-256=[name=admin,password=$admin]
--add-scram=SCRAM-SHA-256=[name=broker,password=$broker]
EOF
    KAFKA_HEAP_OPTS=-Xmx128m "$bin/kafka-storage.sh" @/tmp/format.arguments
    rm /tmp/format.arguments
fi
exec "$bin/kafka-server-start.sh" "$settings"
