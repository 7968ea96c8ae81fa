"""Servers for the tests: what our engines speak to, where no GPU and no image can be had.

    authors     who writes the tokens: the demo model through llama.cpp, or a scripted author
    faults      what goes wrong, when: a seeded mix or a list by request number
    serving     a server in a thread of the test, on a free port
    tgi         text-generation-inference: its protocol, its launcher, its deaths
    openai      `/v1/completions` with the differences of vLLM, SGLang and stranger ones
    llama       llama.cpp's own HTTP server, the real one
    hub         the Hub's API, to read from and to publish to
    scoring     reward models as vLLM, TEI and SGLang serve them, and a Llama-Guard
    embedding   embedding models as TEI and vLLM serve them
    drip        answers as cheaply as possible, for benchmarks

They can be trusted as far as their own tests go: `test_tgi_protocol` holds every answer against
the types that huggingface_hub generates from TGI's description and against that description;
`test_tgi_limits` lists what the real router refuses; stock clients drive them. They leave out
what no engine of ours asks for: tools, images, adapters, speculation, best-of ranking.
"""
