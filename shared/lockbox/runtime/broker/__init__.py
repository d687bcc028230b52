"""Connections, topology, consumer, publisher and redelivery on RabbitMQ."""
