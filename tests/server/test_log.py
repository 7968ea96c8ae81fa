import signal

import pytest

from builder.server.interrupts import uninterrupted
from builder.server.log import hide


def test_secrets_are_hidden_the_longest_first():
    line = "token=hf_abcdef proxy=http://u:hf_abcdef@p"
    assert hide(line, ("hf_abcdef", "http://u:hf_abcdef@p")) == "token=(hidden) proxy=(hidden)"
    assert hide(line, ("hf", "")) == line


def test_ctrl_c_is_held_back_until_the_block_is_through():
    through = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        through.append(True)
    assert through == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_nothing_happens():
    with uninterrupted():
        pass
    with pytest.raises(ValueError, match="ours"), uninterrupted():
        raise ValueError("ours")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
