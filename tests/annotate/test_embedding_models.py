"""The backends that load a model: real models, as small as can be, made here."""

import asyncio
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from builder.annotate.embedding import ANNOTATOR, EmbeddingOptions
from builder.annotate.vectors.loading import demand, source
from builder.errors import EngineError, MissingExtraError

WORDS = ["how", "do", "i", "bake", "bread", "a", "heron", "is", "what", "?"]
TEXTS = ["How do I bake bread?", "What is a heron?", "How do I bake bread?"]


def installed(package):
    return importlib.util.find_spec(package) is not None


needs_model2vec = pytest.mark.skipif(
    not installed("model2vec"), reason="model2vec is not installed: the extra `static`"
)
needs_transformers = pytest.mark.skipif(
    not installed("sentence_transformers"),
    reason="sentence-transformers is not installed: the extra of that name",
)


class Tools:
    def __init__(self, base):
        self.base = base


def annotated(base, texts, **options):
    async def main():
        worker = await ANNOTATOR.start(EmbeddingOptions(**options), Tools(base))
        try:
            return await worker.annotate([{"instruction": text} for text in texts])
        finally:
            await worker.close()

    return asyncio.run(main())


def numbers(values):
    return np.frombuffer(values["embedding"], "<f4")


@pytest.fixture
def static_model(tmp_path):
    """A model2vec model that knows `WORDS`; each has the direction of its own axis."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: number for number, word in enumerate(["[UNK]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vectors = np.eye(len(vocabulary), dtype=np.float32) * 5
    StaticModel(vectors, tokenizer).save_pretrained(tmp_path / "static")
    return tmp_path


@needs_model2vec
def test_model2vec_averages_the_vectors_of_the_words_it_knows(static_model):
    first, heron, unknown = annotated(
        static_model, ["How bread", "A  HERON zebra", "zebra"], backend="model2vec", model="static"
    )
    expected = np.zeros(len(WORDS) + 1)
    expected[[1 + WORDS.index("how"), 1 + WORDS.index("bread")]] = 0.5**0.5
    assert np.allclose(numbers(first), expected)
    assert first["embedding_model"] == "static"
    assert np.count_nonzero(numbers(heron)) == 2
    assert unknown["embedding_error"].startswith("the model gives the text a vector of zeros")


@needs_model2vec
def test_model2vec_takes_what_no_tokenizer_takes(static_model):
    texts = ["how \ud800 bread", "bread \x00", "bread " * 30_000]
    said = annotated(static_model, texts, backend="model2vec", model="static")
    assert all("embedding" in one for one in said)


@needs_model2vec
def test_a_folder_that_is_no_model_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError) as caught:
        annotated(tmp_path, ["x"], backend="model2vec", model="empty")
    assert "empty cannot be loaded as a model of model2vec" in caught.value.message
    assert "annotate.embedding.model" in caught.value.mend


@pytest.fixture
def transformer_model(tmp_path):
    """A BERT of one layer and 16 components, with weights as they were drawn."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    folder = tmp_path / "bert"
    folder.mkdir()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join([*special, *WORDS]), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(special) + len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    bert = Transformer(str(folder), max_seq_length=32)
    SentenceTransformer(modules=[bert, Pooling(16)], device="cpu").save(str(tmp_path / "tiny"))
    return tmp_path


@needs_transformers
def test_sentence_transformers_embed_a_batch_as_each_text_alone(transformer_model):
    options = {"backend": "sentence-transformers", "model": "tiny"}
    said = annotated(transformer_model, [*TEXTS, "bread " * 30_000, "\ud800 \x00"], **options)
    alone = annotated(transformer_model, TEXTS[1:2], **options)
    assert [len(numbers(one)) for one in said] == [16] * 5
    assert said[0]["embedding_model"] == "tiny"
    assert np.linalg.norm(numbers(said[0])) == pytest.approx(1)
    assert np.abs(numbers(said[1]) - numbers(alone[0])).max() < 1e-5
    assert np.abs(numbers(said[0]) - numbers(said[2])).max() < 1e-5
    assert np.abs(numbers(said[0]) - numbers(said[1])).max() > 1e-3


@needs_transformers
def test_a_folder_without_weights_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EngineError, match="empty cannot be loaded as a model of sentence-trans"):
        annotated(tmp_path, ["x"], backend="sentence-transformers", model="empty")


# without a model


def test_a_missing_package_names_the_line_that_installs_it():
    with pytest.raises(MissingExtraError) as caught:
        demand("no_such_package_here", "static")
    assert caught.value.mend == "Run: pip install 'magpie-builder[static]'"


@pytest.mark.skipif(installed("sentence_transformers"), reason="sentence-transformers is installed")
def test_the_backend_of_the_paper_names_its_extra_where_it_is_missing(tmp_path):
    with pytest.raises(MissingExtraError) as caught:
        annotated(tmp_path, ["x"], backend="sentence-transformers")
    assert caught.value.mend == "Run: pip install 'magpie-builder[sentence-transformers]'"


def test_a_folder_is_called_by_its_last_part_and_the_hub_by_its_name(tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    mine = source(tmp_path, "models/mine")
    assert (mine.place, mine.name) == (str(tmp_path / "models" / "mine"), "mine")
    hub = source(tmp_path, "org/name", "abc")
    assert (hub.place, hub.name, hub.revision) == ("org/name", "org/name@abc", "abc")
    assert source(Path("models"), "org/name").name == "org/name"
