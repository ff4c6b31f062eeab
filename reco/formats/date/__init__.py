"""The raw data format of the NA64/COMPASS DAQ: DATE events with MSADC and APV25 equipments, and its XML channel maps.

`layout` and `reasons` hold the constants and the names of what can be wrong, `maps` reads the XML maps, `index` finds the
events of a file, `decode` turns events into digits (`kernels`, `mapping` are its compiled parts), `encode` writes events,
`dump` prints them. Numbers come from the public COMPASS decoding library (DaqDataDecoding 6.4); the format has not been
checked on real NA64 files, none of which is public.
"""
