"""The Hub's other storage: files in chunks that are named by what they hold, and sent once.

    tokens      what the Hub gives for its own token, and what that allows
    uploading   xorbs on their way in: straight, or by a grant to a signed address
    shards      which files they make up, and which chunks are there already
    reading     how a file is put together, and the bytes for it
    whole       files for clients that know no Xet, and for the Hub's own commits
    storage     what the routes share; store: xorbs (runs of packed chunks) and files, in a folder
    xorb, shard the two binary formats; hashes: how all is named; blake3: by which function

Written after the protocol's specification (huggingface.co/docs/xet, huggingface/xet-core `spec/`)
and held against hf_xet 1.8. What the specification leaves out was read in that client: the second
generation of routes (upload grants, shards that are answered line by line, reconstructions with
several ranges). A Hub with `xet=1` has the first alone, and the client falls back on it.

Not here: the CRC-64 that a grant is asked with is not checked, for every chunk is hashed anyway;
shards are never forgotten; `/v2/file-chunk-hashes`, which only edits of a file need.
"""
