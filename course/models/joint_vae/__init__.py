"""One latent variable for several kinds of data (Wu & Goodman 2018, MVAE).

arXiv:1802.05335. The experts of all kinds that are at hand, and the prior, are
multiplied; training visits every subset of the kinds.
"""

from course.models.joint_vae.model import JointVAE
from course.models.joint_vae.parts import Modality, product_of_experts, words

__all__ = ["JointVAE", "Modality", "product_of_experts", "words"]
