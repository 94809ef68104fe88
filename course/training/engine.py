"""Forward passes that Fabric watches, and a process that needs no watch."""

from collections.abc import Callable

from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import Precision
from lightning_fabric.strategies import SingleDeviceStrategy
from torch import Tensor, nn
from torch.optim import Optimizer

from course.protocols import Losses
from course.training.checks import check_losses


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


class AsForward(nn.Module):
    """Runs any method of the model as the forward pass, the one Fabric watches.

    Processes that share a model exchange gradients only when the forward pass
    went through Fabric, and only there does mixed precision begin.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, name: str, call: Callable) -> Losses:
        """Call the method on its batch; keep the gradient of "loss" alone.

        The batch travels inside `call` because Fabric would round a tensor
        among the arguments to the lower precision, and what a generative model
        is given is also what it is to generate.
        """
        losses = check_losses(call(), f"{type(self.model).__name__}.{name}")
        return {k: v if k == "loss" else v.detach() for k, v in losses.items()}
