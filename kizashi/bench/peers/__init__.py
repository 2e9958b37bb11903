"""One window task, done by Kizashi's kernel, plain aiokafka, Quix Streams and Bytewax on the same broker."""
