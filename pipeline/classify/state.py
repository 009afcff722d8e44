"""What a killed training needs to go on where it stopped: on a CPU to the bit, on a GPU up to its own rounding."""

import hashlib
import json

import numpy as np
import torch

from pipeline.chance import seed_of
from pipeline.classify.model import build_classifier, num_outputs
from pipeline.data.files import replacing
from pipeline.sources import code_digest
from pipeline.stage import WrongInput
from pipeline.states import read_state


class Training:
    """A classifier in training: network, optimiser, epochs done, history and the best weights so far.

    Weights, dropout and batches follow from the seed's addresses, so this is all that carries over between epochs.
    """

    def __init__(self, options, num_classes, device):
        # The same first weights for every strategy: their comparison is paired.
        torch.manual_seed(seed_of(options["seed"], "first weights"))
        outputs = num_outputs(options, num_classes)
        self.model = build_classifier(options["backbone"], options["weights"], outputs).to(device)
        self.options = options
        self.epochs_done = 0
        self.history = []
        self.best = None
        self.renew_optimizer()

    def renew_optimizer(self):
        """Start Adam afresh, as for each phase (Section 5.2 names its settings)."""
        named = {name: self.options[name] for name in ("lr", "eps")}
        # The fused update is the same formula in one pass.
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), betas=tuple(map(float, self.options["betas"])), fused=True, **named
        )

    def remember_best(self, epoch, val_loss):
        """Keep a copy of the weights as those of the best epoch."""
        weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self.best = {"epoch": epoch, "val_loss": val_loss, "weights": weights}

    def save(self, path, identity):
        """Write everything, with the identity of the run it belongs to."""
        progress = {"epochs_done": self.epochs_done, "history": self.history, "best": self.best}
        with replacing(path) as beside:
            torch.save(
                {
                    "identity": identity,
                    "model": self.model.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    **progress,
                },
                beside,
            )

    def resume(self, path, identity):
        """Go on from a state of the same run, if there is one; say so on stdout, also when it belongs to another."""
        if not path.exists():
            return
        state = read_state(path)
        if state is None or state.get("identity") != identity:
            print(f"{path}: ignored, it is of another run, of other code or damaged; training starts anew", flush=True)
            return
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.epochs_done, self.history, self.best = state["epochs_done"], state["history"], state["best"]
        except Exception as misfit:  # and by now the network may have its weights
            reason = " ".join(str(misfit).split())[:200]
            raise WrongInput(f"{path}: damaged ({reason}); delete it, and the training starts anew") from None
        print(f"{path}: resumed after {self.epochs_done} epochs", flush=True)


def identity_of(options, class_names, *sample_sets):
    """Return a text that differs when options, classes, the code of the training or any image or label differ."""
    known = [options, list(class_names), code_digest("pipeline.classify.train")]
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for samples in sample_sets:
        for tensor in (samples.images, samples.labels) if samples else ():
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()))
    return digest.hexdigest()
