"""The way of a release to the Hub: one commit on the parent that was read, then a tag.

    publish     the main path: read, plan, upload, commit, tag, read back
    local       the release on this disk, complete and unchanged
    account     whose token it is and what it allows; ready: all that must hold before anything else
    remote      what the repository holds; staged: the files as they are to stand there
    version, bump, identities     the semantic version, from the content of both
    plan        what is added, changed, kept and deleted
    upload, commit, tag, verify   each step, such that it can be asked for again at any moment
    hub, refusals                 a request with our patience, and what its failure means
    chunked, watched              uploads over Xet: what hf_xet is told, and who looks on
    loaded, digest                `load_dataset` in a process of its own, and rows as a checksum

What huggingface_hub 2.4 does and leaves out was read in its sources and traced on the wire: it asks
again for uploads and downloads, never for a commit, a tag, a new repository or what a repository
is; and a commit whose answer is lost has landed all the same.
"""
