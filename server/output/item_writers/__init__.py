"""Writers of output items: one class per kind of item, each knowing its item's whole life.

added -> deltas -> done, for the item and for the parts in it.
"""
