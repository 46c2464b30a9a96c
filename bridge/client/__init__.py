"""The Python client: a blocking and an asyncio face on one protocol core without sockets."""
