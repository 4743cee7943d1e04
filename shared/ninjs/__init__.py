"""ninjs, IPTC's news in JSON (https://iptc.org/standards/ninjs/): its rules, and its versions as one.

`checking` tells which version a document is and what is wrong with it, `versions` turns 1.x and 2.x into 3.x.
Ingest reads with it, index writes with it. Pure. The rules are those of the JSON Schemas of 1.4, 2.0 to 2.2,
3.0 and 3.1; of each major version the newest one is taken, which allows what the older ones did.
"""
