"""The real PostgreSQL, Redis and Apache Kafka as child processes on loopback, out of Python packages alone.

Nothing here needs root, Docker, Java or Node on the machine. The entry points are
`kizashi.embedded.stack.start_stack`, `kizashi.embedded.principals`, `kizashi.embedded.browser` and
`python -m kizashi.embedded.assets`.
"""
