"""How long tests wait for what must come, in seconds.

Far longer than anything takes: a wait that ends well costs nothing, and a machine that has other
work may stand still for many seconds.
"""

PATIENCE_S = 90.0
