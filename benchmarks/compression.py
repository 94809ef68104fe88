"""Bits per image of the digits, by every coder, and the coder's throughput.

    python -m benchmarks.compression

writes benchmarks/results/compression.json (about two minutes):

* bits: per test image of 8 x 8 pixels with 17 levels, lossless. Tools get one
  image alone, or all 447 as one stream of bytes or one tall picture. Models are
  fitted to images 0 to 999, except for the adaptive one, which is given
  nothing; their messages are decoded and compared pixel by pixel. "promised"
  is -log2 p(x), for the VAE the negative ELBO; bits-back counts net bits.
* throughput: the time to code all test images by 64 tables, to decode them, and
  of lzma and zlib on the same bytes, one thread.
"""

from benchmarks import harness

harness.one_thread()  # before torch is imported

import bz2  # noqa: E402
import io  # noqa: E402
import json  # noqa: E402
import lzma  # noqa: E402
import zlib  # noqa: E402
from collections.abc import Callable  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from course.coding import (  # noqa: E402
    BitsBack,
    Message,
    NormalBins,
    integer_frequencies,
)
from course.data import digits  # noqa: E402
from course.models.mixture import CategoricalMixture  # noqa: E402
from course.models.vae import VAE  # noqa: E402
from course.nn.likelihoods import discretised_logistic  # noqa: E402
from course.nn.mlp import MLP  # noqa: E402
from course.seeding import seeded  # noqa: E402
from course.training import fit  # noqa: E402

C, D, LATENT, SEEDS = 17, 64, 12, range(3)
LEVELS = torch.arange(C)[:, None, None, None] / (C - 1)
TOOLS = {
    "zlib": lambda data: zlib.compress(data, 9),
    "bz2": bz2.compress,
    "lzma": lzma.compress,
}


def levels(part: str) -> np.ndarray:
    """Levels 0 to 16, an image a row."""
    return (16 * digits(part)[0]).round().astype(np.int64).reshape(-1, D)


def picture(rows: np.ndarray, kind: str) -> int:
    """Bits of a lossless picture file that holds these rows of pixels."""
    grey = (15 * rows).astype(np.uint8)
    if kind == "WEBP":  # it knows colours only
        image, options = np.stack([grey] * 3, -1), {"lossless": True}
        options |= {"quality": 100, "method": 6}
    else:
        image, options = grey, {"optimize": True}
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return 8 * len(file.getvalue())


def tools(x: np.ndarray) -> dict[str, dict[str, float]]:
    """Bits an image of general tools, one image alone and all together."""
    raw = x.astype(np.uint8)
    return {
        name: {
            "alone": 8 * np.mean([len(pack(bytes(im))) for im in raw]),
            "together": 8 * len(pack(raw.tobytes())) / len(x),
        }
        for name, pack in TOOLS.items()
    } | {
        kind: {
            "alone": np.mean([picture(im.reshape(8, 8), kind) for im in x]),
            "together": picture(x.reshape(-1, 8), kind) / len(x),
        }
        for kind in ("PNG", "WEBP")
    }


def shares(counts: np.ndarray) -> np.ndarray:
    """Probabilities from counts, half a count added to each."""
    return (counts + 0.5) / (counts + 0.5).sum(axis=-1, keepdims=True)


def plain(p: np.ndarray, x: np.ndarray) -> dict[str, float]:
    """Promised and coded bits an image by tables p, shape (N, 64, 17).

    Raises:
        ValueError: a pixel came back changed.
    """
    f, message = integer_frequencies(p), Message()
    message.push(x, f)
    data = message.to_bytes()
    received = Message.from_bytes(data)
    same(received.pop(f), x)
    received.finish()
    own = np.take_along_axis(p, x[..., None], -1)
    return {
        "promised": -np.log2(own).sum() / len(x),
        "coded": 8 * len(data) / len(x),
    }


def same(back: np.ndarray, x: np.ndarray) -> None:
    """Refuse a coder that changes data.

    Raises:
        ValueError: it did.
    """
    if not np.array_equal(back, x):
        raise ValueError("pixels changed on the way: lengths mean nothing")


def net_bits(coder: BitsBack, x: np.ndarray) -> float:
    """Net bits an image by bits-back, after a checked round trip."""
    message = Message.random(40, random_state=0)
    before, start = message.to_bytes(), message.bits
    coder.push(message, x)
    bits = message.bits - start
    same(coder.pop(message, len(x)), x)
    if message.to_bytes() != before:
        raise ValueError("the borrowed bits did not come back")
    return bits / len(x)


def mixture(seed: int, x: np.ndarray) -> tuple[float, float]:
    """Promised and net bits an image of a mixture of 20 tables."""
    m = CategoricalMixture(20, n_categories=C, random_state=seed)
    tables = integer_frequencies(m.fit(levels("train")).probs_)
    coder = BitsBack(
        integer_frequencies(m.weights_[None]),
        lambda row: integer_frequencies(m.predict_proba(row[None])),
        lambda z: tables[z[0]],
    )
    return -m.score(x) / np.log(2), net_bits(coder, x)


def trained_vae(seed: int, steps: int) -> VAE:
    """The VAE of the chapter on VAEs."""
    hidden = {"dropout": 0.1}
    encoder = MLP(D, 192, 192, 2 * LATENT, **hidden)
    decoder = MLP(LATENT, 192, 192, 2 * D, **hidden)
    images = torch.from_numpy(digits("train")[0])
    model = VAE(
        nn.Sequential(nn.Flatten(), encoder),
        nn.Sequential(decoder, nn.Unflatten(1, (1, 8, 8, 2))),
        LATENT,
        likelihood=discretised_logistic(C),
    )
    loader = DataLoader(images, batch_size=100, shuffle=True)
    fit(model, loader, steps=steps, lr=3e-3)
    return model.eval()


def vae_coder(model: VAE, bins: NormalBins) -> BitsBack:
    """Bits-back through the VAE, one image at a time on both sides."""

    @torch.no_grad()
    def posterior(row):
        q = model.posterior(torch.as_tensor(row).reshape(1, 1, 8, 8) / 16)
        return bins.posterior(q.mean[0], q.stddev[0])

    @torch.no_grad()
    def likelihood(k):
        z = torch.tensor(bins.centre(k)).float()[None]
        p = model.likelihood(z).base_dist.log_prob(LEVELS).exp()
        return integer_frequencies(p.reshape(C, D).T)

    return BitsBack(bins.prior(LATENT), posterior, likelihood)


def vae(seed: int, x: np.ndarray, steps: int = 500) -> tuple[float, float]:
    """Negative ELBO in bits, and net bits an image."""
    with seeded(seed):
        model = trained_vae(seed, steps)
        images = torch.from_numpy(x).float().reshape(-1, 1, 8, 8) / 16
        with torch.no_grad():
            log_w = model.log_weights(images, 100).mean().item()
    return -log_w / np.log(2), net_bits(vae_coder(model, NormalBins(10)), x)


def over_seeds(model: Callable, x: np.ndarray) -> dict[str, float]:
    """Mean promised and coded bits, and the spread of the coded ones."""
    promised, coded = np.array([model(seed, x) for seed in SEEDS]).T
    return {
        "promised": promised.mean(),
        "coded": coded.mean(),
        "sd": coded.std(ddof=1),
    }


def bits(x: np.ndarray) -> dict[str, dict[str, float]]:
    """The table of bits per image."""
    one_hot = levels("train")[:, :, None] == np.arange(C)
    fixed = np.broadcast_to(shares(one_hot.sum(0)), (len(x), D, C))
    seen = (x[:, :, None] == np.arange(C)).cumsum(axis=0)
    before = np.concatenate([0 * seen[:1], seen[:-1]])
    return {
        **tools(x),
        "equal levels": {"promised": D * np.log2(C)},
        "adaptive": plain(shares(before), x),
        "independent": plain(fixed, x),
        "mixture": over_seeds(mixture, x),
        "vae": over_seeds(vae, x),
    }


def throughput(x: np.ndarray, repeats: int = 9) -> dict:
    """Times to code and decode x, and of general tools, by turns."""
    p = shares((levels("train")[:, :, None] == np.arange(C)).sum(0))
    f = np.broadcast_to(integer_frequencies(p), (len(x), D, C))
    raw, sent = x.astype(np.uint8).tobytes(), Message()
    sent.push(x, f)
    data = sent.to_bytes()
    contenders = {
        "push": lambda: Message().push(x, f),
        "pop": lambda: Message.from_bytes(data).pop(f),
        "lzma": lambda: lzma.compress(raw),
        "zlib": lambda: zlib.compress(raw, 9),
    }
    times = harness.contend(contenders, repeats=repeats)
    return {"symbols": x.size, **times}


def main() -> dict:
    """Measure all, and keep the results."""
    x = levels("test")
    results = {"bits": bits(x), "throughput": throughput(x)}
    return harness.save("compression", results)


if __name__ == "__main__":
    print(json.dumps(main()))
