"""Neighbours among vectors: the nearest other one, those within a radius, and who stays of them.

All distances are squared L2, the unit of the published sets' `min_neighbor_distance`. `search`
says of each row what its neighbours are, `leaders` which rows an earlier one makes superfluous,
and `live` says the same while rows still come in. What they share: equal vectors are taken
together (`distinct`), float32 products find candidates with a proven margin (`gauge`), float64
decides, and beyond some size `cells` and a `sketch` leave out what cannot be near.
"""
