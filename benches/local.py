"""What benches/local.rs measures, by llama.cpp and onnxruntime: tokens and texts a second, as JSON."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def best(run, runs):
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def language(asked, found):
    from llama_cpp import Llama

    llama = Llama(asked["model"], n_ctx=4096, n_threads=1, n_threads_batch=1, verbose=False)
    turn = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
    cut = lambda text: llama.tokenize(turn.format(text).encode(), add_bos=False, special=True)
    llama.eval(cut("warm up"))
    for prompts in asked.get("prompts", []):
        rates = []
        for prompt in prompts:
            tokens = cut(prompt)
            llama.reset()
            started = time.perf_counter()
            llama.eval(tokens)
            rates.append(len(tokens) / (time.perf_counter() - started))
        size = [512, 1300][len([name for name in found if name.startswith("prompt")])]
        found[f"prompt of {size}"] = max(rates)
    if "reply" in asked:
        rates = []
        for _ in range(asked["runs"]):
            llama.reset()
            llama.eval(cut("Write a long story about a lighthouse."))
            token = llama.sample(temp=0.0)
            started = time.perf_counter()
            for _ in range(asked["reply"]):
                llama.eval([token])
                token = llama.sample(temp=0.0)
            rates.append(asked["reply"] / (time.perf_counter() - started))
        found[f"reply of {asked['reply']}"] = max(rates)


def bert(folder):
    """The sentence model as an ONNX graph, from its safetensors."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    raw = open(f"{folder}/model.safetensors", "rb").read()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    config = json.load(open(f"{folder}/config.json"))
    heads, width = config["num_attention_heads"], config["hidden_size"]
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def weight(name):
        start, end = header[name]["data_offsets"]
        data = numpy.frombuffer(raw[8 + size + start : 8 + size + end], numpy.float32)
        return data.reshape(header[name]["shape"])

    def node(kind, inputs, **attributes):
        output = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def linear(x, name):
        matrix = constant(f"{name}.t", weight(f"{name}.weight").T)
        return node("Add", [node("MatMul", [x, matrix]), constant(f"{name}.b", weight(f"{name}.bias"))])

    def norm(x, name):
        scale, shift = (constant(f"{name}.{part}", weight(f"{name}.{part}")) for part in ("weight", "bias"))
        return node("LayerNormalization", [x, scale, shift], axis=-1, epsilon=config["layer_norm_eps"])

    by_heads = constant("by_heads", numpy.array([0, 0, heads, width // heads]))
    flat = constant("flat", numpy.array([0, 0, width]))
    words = node("Gather", [constant("words", weight("embeddings.word_embeddings.weight")), "ids"])
    length = node("Shape", ["ids"], start=1, end=2)
    places = weight("embeddings.position_embeddings.weight")
    zero, axis = constant("zero", numpy.array([0])), constant("axis", numpy.array([0]))
    places = node("Slice", [constant("places", places), zero, length, axis])
    kind = constant("kind", weight("embeddings.token_type_embeddings.weight")[0])
    x = node("Add", [node("Add", [words, places]), kind])
    x = norm(x, "embeddings.LayerNorm")
    scale = constant("scale", numpy.array((width // heads) ** -0.5, numpy.float32))
    half, one = (constant(str(value), numpy.array(value, numpy.float32)) for value in (0.5, 1.0))
    root = constant("root", numpy.array(0.5**0.5, numpy.float32))
    for layer in range(config["num_hidden_layers"]):
        base = f"encoder.layer.{layer}"
        split = lambda name, order: node(
            "Transpose", [node("Reshape", [linear(x, f"{base}.attention.self.{name}"), by_heads])], perm=order
        )
        query, key, value = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
        odds = node("Softmax", [node("Mul", [node("MatMul", [query, key]), scale])], axis=-1)
        y = node("Transpose", [node("MatMul", [odds, value])], perm=[0, 2, 1, 3])
        y = linear(node("Reshape", [y, flat]), f"{base}.attention.output.dense")
        x = norm(node("Add", [y, x]), f"{base}.attention.output.LayerNorm")
        y = linear(x, f"{base}.intermediate.dense")
        erf = node("Erf", [node("Mul", [y, root])])
        y = node("Mul", [node("Mul", [y, node("Add", [erf, one])]), half])
        x = norm(node("Add", [linear(y, f"{base}.output.dense"), x]), f"{base}.output.LayerNorm")
    mean = node("ReduceMean", [x], axes=[1], keepdims=0)
    graph = helper.make_graph(
        nodes,
        "bert",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])],
        [helper.make_tensor_value_info(mean, TensorProto.FLOAT, ["texts", width])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def embedding(asked, found):
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = bert(asked["embedder"])
    workers = [onnxruntime.InferenceSession(model, options) for _ in range(2)]
    tokenizer = Tokenizer.from_file(f"{asked['embedder']}/tokenizer.json")
    tokenizer.no_padding()

    def embed(texts):
        lengths = {}
        for index, encoding in enumerate(tokenizer.encode_batch_fast(texts)):
            lengths.setdefault(len(encoding.ids), []).append((index, encoding.ids))
        batches = []
        for length in sorted(lengths, reverse=True):
            count = max(1, 256 // length)
            alike = lengths[length]
            batches += [alike[at : at + count] for at in range(0, len(alike), count)]
        vectors = [None] * len(texts)

        def work(worker):
            while batches:
                try:
                    batch = batches.pop(0)
                except IndexError:
                    return
                (rows,) = worker.run(None, {"ids": numpy.array([ids for _, ids in batch])})
                rows /= numpy.linalg.norm(rows, axis=1, keepdims=True)
                for (index, _), row in zip(batch, rows):
                    vectors[index] = row

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, workers))
        return vectors

    embed(asked["texts"][:50])
    found["texts"] = len(asked["texts"]) / best(lambda: embed(asked["texts"]), asked["runs"])
    same = numpy.sum(numpy.array(asked["vectors"]) * numpy.array(embed(asked["texts"][:20])), axis=1)
    assert same.min() > 0.9999, f"other vectors: {same}"


def main():
    asked = json.load(open(sys.argv[1]))
    found = {}
    if "model" in asked:
        language(asked, found)
    if "embedder" in asked:
        embedding(asked, found)
    print(json.dumps(found))


main()
