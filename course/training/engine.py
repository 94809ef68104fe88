"""One process in full precision, without what only several need."""

from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import Precision
from lightning_fabric.strategies import SingleDeviceStrategy
from torch import Tensor, nn
from torch.optim import Optimizer


class Alone:
    """Does what Fabric does for one process and float32, and nothing else.

    Fabric's wrappers look at every argument and every result. Here they would
    find nothing to do, and in a small network they take a tenth of the step.
    """

    def __init__(self, fabric: Fabric):
        self.fabric = fabric

    @staticmethod
    def suffices(fabric: Fabric) -> bool:
        """Whether Fabric would neither round, nor talk, nor call back."""
        strategy = fabric.strategy
        plain = type(strategy) is SingleDeviceStrategy
        full = type(strategy.precision) is Precision
        return plain and full and not fabric._callbacks

    def setup_module(self, module: nn.Module) -> nn.Module:
        """The module itself, on the device of the run."""
        return module.to(self.fabric.device)

    def setup_optimizers(self, optimizer: Optimizer) -> Optimizer:
        """The optimiser itself."""
        return optimizer

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of the loss to that of every parameter."""
        loss.backward()
