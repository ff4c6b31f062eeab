"""The raw data format of the NA64/COMPASS DAQ: DATE events with MSADC and APV25 equipments, and its XML channel maps.

`layout` and `reasons` hold the constants and the names of what can be wrong, `bytes` gives a file's bytes. `channels` reads the
XML channel maps, `index` finds the events of a file, `decoding` turns them into digits of detector channels, `lost_blocks` says
which lack a block of a front end, `ledger` accounts for all of them; `writing` writes events and damages them, `dump` prints
them. Numbers come from the public COMPASS decoding library (DaqDataDecoding 6.4); the format has not been checked on real NA64
files, none of which is public.
"""
