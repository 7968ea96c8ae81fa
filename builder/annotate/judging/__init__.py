"""What all LLM judges share: showing an instruction, asking, and reading the reply.

A judge is a prompt in `prompts/NAME.txt` and the parts of the reply that the prompt asks for
(`parts`); `worker.llm_judge` makes an annotator of the two.
"""
