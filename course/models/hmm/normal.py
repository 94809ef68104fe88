"""The emission of Gaussian states, in matrix products.

Log N(x; mu_k, Sigma_k) is linear in features of x, theta_k . [x, x x^T, 1], so
that all emission densities are one product, and so are the weighted sums of
the M-step. The rows are centred first, lest the squares cancel.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course.models.hmm.em import State


class Full:
    """Covariances are matrices, shape (K, D, D)."""

    @staticmethod
    def features(z: Float[Tensor, "L D"]) -> Float[Tensor, "L F"]:
        """[z, z_i z_j for i <= j, 1]."""
        i, j = pairs(z.shape[1], z.device)
        return torch.cat([z, z[:, i] * z[:, j], torch.ones_like(z[:, :1])], 1)

    @staticmethod
    def theta(mu: Tensor, Sigma: Tensor) -> Float[Tensor, "B K F"]:
        """What multiplies the features."""
        L = cholesky(Sigma)
        P = torch.cholesky_inverse(L)
        i, j = pairs(mu.shape[-1], mu.device)
        square = -P[..., i, j] * torch.where(i == j, 0.5, 1.0)
        linear = (P @ mu[..., None])[..., 0]
        log_det = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return join(linear, square, mu, log_det)

    @staticmethod
    def moments(mean: Tensor, second: Tensor, ridge: float) -> Tensor:
        """Covariances from E[z] and E[z_i z_j], with the ridge."""
        D = mean.shape[-1]
        i, j = pairs(D, mean.device)
        Sigma = mean.new_zeros(*mean.shape, D)
        Sigma[..., i, j] = Sigma[..., j, i] = second
        Sigma = Sigma - mean[..., :, None] * mean[..., None, :]
        return Sigma + ridge * torch.eye(D).to(mean)

    @staticmethod
    def log_b(x: Tensor, mu: Tensor, Sigma: Tensor) -> Tensor:
        """Log N(x_t; mu_k, Sigma_k), shape (L, K), without cancellation."""
        L = cholesky(Sigma)
        y = torch.linalg.solve_triangular(L, (x - mu[:, None]).mT, upper=False)
        log_det = 2 * L.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return log_normal(y.square().sum(1).T, log_det, x.shape[1])

    @staticmethod
    def root(Sigma: Tensor) -> Tensor:
        """L with L L^T = Sigma."""
        return cholesky(Sigma)


class Diag:
    """Covariances are variances, shape (K, D)."""

    @staticmethod
    def features(z: Float[Tensor, "L D"]) -> Float[Tensor, "L F"]:
        """[z, z^2, 1]."""
        return torch.cat([z, z.square(), torch.ones_like(z[:, :1])], 1)

    @staticmethod
    def theta(mu: Tensor, var: Tensor) -> Float[Tensor, "B K F"]:
        """What multiplies the features."""
        return join(mu / var, -0.5 / var, mu, var.log().sum(-1))

    @staticmethod
    def moments(mean: Tensor, second: Tensor, ridge: float) -> Tensor:
        """Variances from E[z] and E[z^2], with the ridge."""
        return second - mean.square() + ridge

    @staticmethod
    def log_b(x: Tensor, mu: Tensor, var: Tensor) -> Tensor:
        """Log N(x_t; mu_k, var_k), shape (L, K), without cancellation."""
        distance = ((x[:, None] - mu).square() / var).sum(-1)
        return log_normal(distance, var.log().sum(-1), x.shape[1])

    @staticmethod
    def root(var: Tensor) -> Tensor:
        """L with L L^T = diag(var)."""
        return var.sqrt().diag_embed()


KINDS = {"full": Full, "diag": Diag}


class Normal:
    """The emission of Gaussian states, for the rows of x; theta: mu, Sigma."""

    def __init__(self, x: Tensor, kind: type, ridge: float):
        self.centre, self.kind, self.ridge = x.mean(0), kind, ridge
        self.z = x - self.centre
        self.phi = kind.features(self.z)

    def log_b(self, mu: Tensor, Sigma: Tensor) -> Float[Tensor, "B L K"]:
        """Log N(x_t; mu_k, Sigma_k) of every step and state."""
        return self.phi @ self.kind.theta(mu, Sigma).mT

    def m_step(
        self, r: Float[Tensor, "B L K"], mu: Tensor, Sigma: Tensor
    ) -> State:
        """Weighted means and covariances; a state never visited stays."""
        S = r.mT @ self.phi
        N_k = S[..., -1:]
        seen = N_k > 1e-200
        mean, second = (S[..., :-1] / N_k).tensor_split([mu.shape[-1]], dim=-1)
        new = self.kind.moments(mean, second, self.ridge)
        wide = seen if Sigma.ndim == 3 else seen[..., None]
        return mean.where(seen, mu), new.where(wide, Sigma)

    def log_prior(self, mu: Tensor, Sigma: Tensor) -> float:
        """There is none."""
        return 0.0

    def restore(self, mu: Tensor, Sigma: Tensor) -> State:
        """The parameters about the origin of x."""
        return mu + self.centre, Sigma


def join(linear, square, mu, log_det) -> Tensor:
    """[linear, square, constant], the constant from the first."""
    constant = (linear * mu).sum(-1) + log_det
    constant = -(constant + mu.shape[-1] * math.log(2 * math.pi)) / 2
    return torch.cat([linear, square, constant[..., None]], dim=-1)


def log_normal(distance: Tensor, log_det: Tensor, D: int) -> Tensor:
    """-(squared Mahalanobis distance + log |Sigma| + D log 2 pi) / 2."""
    return -(distance + log_det + D * math.log(2 * math.pi)) / 2


def pairs(D: int, device: torch.device) -> Tensor:
    """The indices i <= j."""
    return torch.triu_indices(D, D, device=device)


def cholesky(Sigma: Tensor) -> Tensor:
    """The lower root; NaN where Sigma is not positive definite."""
    L, info = torch.linalg.cholesky_ex(Sigma)
    return L.masked_fill((info > 0)[..., None, None], torch.nan)
