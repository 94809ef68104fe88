"""Where downloaded data come from, and the checksums they must have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where the files of a data set are, and their SHA-256.

    `mirrors` are the addresses of folders, each with a slash at its end;
    `dataclasses.replace(MNIST, mirrors=("https://.../",))` names your own.
    `instead` says which data of the course need no network.

    Raises:
        ValueError: a mirror does not end with a slash.
    """

    name: str
    mirrors: tuple[str, ...]
    sha256: dict[str, str]
    instead: str = "digits() or glyphs(n)"

    def __post_init__(self):
        for mirror in self.mirrors:
            if not mirror.endswith("/"):
                raise ValueError(
                    f"a mirror must be a folder, ending with a slash, not "
                    f"{mirror!r}"
                )


# Not computed here: several independent projects list these same checksums,
# beside the MD5 that torchvision gives for the files.
MNIST = Source(
    name="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
)
FASHION_MNIST = Source(
    name="fashion-mnist",
    mirrors=(
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/"
        "master/data/fashion/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
)
