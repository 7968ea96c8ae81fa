"""Records of rows, as the stages make them."""


def instruct(row, **changes):
    text = f"Instruction {row}"
    record = {
        "row": row,
        "uuid": f"u{row}",
        "temperature": 1.0,
        "top_p": 1.0,
        "seed": 100 + row,
        "instruction": text,
        "instruction_length": len(text),
        "instruction_tokens": 3,
        "instruction_finish_reason": "stop",
        "instruction_error": None,
    }
    return record | changes


def respond(row, **changes):
    record = {
        "row": row,
        "uuid": f"u{row}",
        "response": f"Answer {row}",
        "response_length": 8,
        "response_tokens": 4,
        "finish_reason": "stop",
        "response_error": None,
    }
    return record | changes
