"""The report: one HTML file to explore a run, made from its release, without the network.

It stands in `release/` because it shows what a release says, by the names and the facts of one,
and needs nothing else of a run but the places of the release's map. The page draws its charts
itself: a bundled plotting library would weigh 1 to 5 MB in every report, wants styles and code
that a strict Content-Security-Policy forbids, and its bars cannot be reached by keyboard; what is
wanted of it is bars that are buttons and one cloud of points, 300 lines in all.
"""
