"""Everything a training needs to go on after a kill: networks, average, optimisers, step.

Random numbers are not kept: each has its address, so the step is enough.
"""

from dataclasses import dataclass

import torch

from pipeline.chance import seed_of
from pipeline.data.files import replacing
from pipeline.gan.discriminators import build_discriminator
from pipeline.gan.generators import build_generator
from pipeline.gan.history import History
from pipeline.gan.layers import init_orthogonal
from pipeline.gan.precision import set_precision
from pipeline.gan.spectral import add_spectral_norm
from pipeline.stage import WrongInput
from pipeline.states import read_state


@dataclass
class Training:
    """Two networks with their optimisers, the generator's averaged parameters by name, what came of the steps so far,

    and how many they are.
    """

    generator: torch.nn.Module
    discriminator: torch.nn.Module
    average: dict
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
    history: History
    step: int = 0

    def _parts(self):
        return {name: part for name, part in vars(self).items() if hasattr(part, "load_state_dict")}


def new_training(num_classes, options, device):
    """Return a Training whose initial weights depend on options["seed"] alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(options["seed"], "gan", "weights"))
        generator = init_orthogonal(build_generator(options["condition"], num_classes, options))
        generator = with_spectral_norm(generator).to(device)
        discriminator = init_orthogonal(build_discriminator(options["condition"], num_classes, options))
        discriminator = add_spectral_norm(discriminator).to(device)
    average = {name: parameter.detach().clone() for name, parameter in generator.named_parameters()}
    optimisers = _adam(generator, options), _adam(discriminator, options)
    for network in (generator, discriminator):
        set_precision(network, options["precision"], device)
    return Training(generator, discriminator, average, *optimisers, History(options["steps"], device))


def with_spectral_norm(generator):
    """Give a generator spectral norm for training: everywhere but on the class embedding, as released; return it."""
    return add_spectral_norm(generator, leave_out=[getattr(generator, "shared", None)])


def _adam(network, options):
    return torch.optim.Adam(
        network.parameters(), lr=options["lr"], betas=tuple(options["betas"]), eps=options["eps"], fused=True
    )


def save_training(path, training, circumstances):
    """Replace the state file. circumstances: JSON-like, what must be equal for this state to be taken up again."""
    parts = {name: part.state_dict() for name, part in training._parts().items()}
    content = {"circumstances": circumstances, "parts": parts, "average": training.average, "step": training.step}
    with replacing(path) as beside:
        torch.save(content, beside)


def resume_training(path, training, circumstances):
    """Bring `training` to the state in `path`; return why it stays as new, or None.

    A state of other options, data or code, or one that cannot be read, is ignored, and will be replaced.
    """
    if not path.exists():
        return "no earlier state"
    content = read_state(path)
    if content is None:
        return f"{path} cannot be read"
    if content.get("circumstances") != circumstances:
        return f"{path} belongs to other options, other data or other code"
    try:
        for name, part in training._parts().items():
            part.load_state_dict(content["parts"][name])
        device = {name: tensor.device for name, tensor in training.average.items()}
        training.average = {name: tensor.to(device[name]) for name, tensor in content["average"].items()}
        training.step = content["step"]
    except Exception as misfit:  # and by now some networks have its weights, and some have not
        reason = " ".join(str(misfit).split())[:200]
        raise WrongInput(f"{path}: damaged ({reason}); delete it, and the training starts anew") from None
    return None
