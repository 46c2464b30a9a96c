"""The one command table, and all that is made from it: checks, packets, reference, Lua."""
