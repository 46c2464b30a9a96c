"""What is made from the command table: the reference page and the Lua module."""
