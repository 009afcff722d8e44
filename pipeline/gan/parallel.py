"""One training on several processes: `torchrun --standalone --nproc-per-node N -m pipeline.gan.train ...`.

Each process has a slice of every batch. Whatever looks at a whole batch (batch norm, the losses) is computed from all
slices, with the gradient of the whole, so that N processes train what one does, but for rounding. With one process
nothing here does anything.
"""

import os
import sys
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from pipeline.stage import WrongInput

TIMEOUT = timedelta(minutes=10)  # after which a process that waits for another one ends with an error
_PIXELS = (0, 2, 3)


def join_processes(threads):
    """Join the other processes of this torchrun, if there are any, and share the threads; only the first one prints.

    Process number i has the i-th GPU of the machine. Raises WrongInput where there are fewer of them.
    """
    if dist.is_torchelastic_launched() and int(os.environ["WORLD_SIZE"]) > 1:
        wanted, number = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["LOCAL_RANK"])
        if torch.cuda.is_available():
            if torch.cuda.device_count() < wanted:
                raise WrongInput(f"{wanted} processes, {torch.cuda.device_count()} GPUs; ask for as many GPUs (gpu=)")
            torch.cuda.set_device(number)
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
        if not leads():
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (open to the end)
    torch.set_num_threads(max(1, threads // num_processes()))


def leave_processes():
    """Take leave of the other processes, at the end of a training that went well."""
    if dist.is_initialized():
        dist.destroy_process_group()


def num_processes():
    """Return how many processes train this generator."""
    return dist.get_world_size() if dist.is_initialized() else 1


def leads():
    """Return whether this process is the one that writes files and prints."""
    return num_processes() == 1 or dist.get_rank() == 0


def own_rows(batch_size):
    """Return the slice of every batch that this process has; slices differ by one row at most.

    Raises WrongInput where there are more processes than rows.
    """
    count, number = num_processes(), dist.get_rank() if dist.is_initialized() else 0
    if batch_size < count:
        raise WrongInput(f"batch_size {batch_size}: too few images for {count} processes; ask for fewer GPUs")
    return slice(batch_size * number // count, batch_size * (number + 1) // count)


def whole_batch(rows, batch_size):
    """Return (batch_size, ...) from the own rows of all processes; the gradient of the own ones comes back.

    That is the right one if every process computes the same loss of the whole, and sum_gradients follows.
    """
    return rows if num_processes() == 1 else _Whole.apply(rows, batch_size)


def sum_gradients(optimiser):
    """Replace the gradient of each parameter by its sum over the processes: the gradient of the whole batch."""
    if num_processes() == 1:
        return
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    pieces = flat.split([gradient.numel() for gradient in gradients])
    summed = [piece.view_as(gradient) for piece, gradient in zip(pieces, gradients, strict=True)]
    torch._foreach_copy_(gradients, summed)


def share_batch_norm(network):
    """Let every batch norm of the network see the batches of all processes; return the network, its names unchanged."""
    if num_processes() > 1:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.__class__ = _SharedBatchNorm
    return network


def agreed(number):
    """Return the largest number that any process came with, None being the least; every process waits for all others.

    Over the CPU, so that it never waits for what a GPU is doing.
    """
    if num_processes() == 1:
        return number
    largest = torch.tensor(number or 0)
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    return largest.item() or None


class _Whole(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, batch_size):
        ctx.own = own_rows(batch_size)
        whole = rows.new_zeros(batch_size, *rows.shape[1:])
        whole[ctx.own] = rows
        dist.all_reduce(whole)  # the others' rows are zero here: nothing is rounded
        return whole

    @staticmethod
    def backward(ctx, gradient):
        return gradient[ctx.own], None


class _SharedBatchNorm(nn.BatchNorm2d):
    def forward(self, x):
        if not self.training:
            return super().forward(x)
        normalised, mean, var, count = _Standardise.apply(x, self.running_mean.dtype, self.eps)
        self.num_batches_tracked.add_(1)
        step = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, step)
        self.running_var.lerp_(var * (count / (count - 1)), step)
        if not self.affine:
            return normalised
        weight, bias = (parameter[:, None, None] for parameter in (self.weight, self.bias))
        return torch.addcmul(bias, normalised, weight)


class _Standardise(torch.autograd.Function):
    """(x - mean) / sqrt(var + eps) of each channel of x (B, C, H, W), mean and variance being those of all processes.

    Also returns these, and the number of values behind each, (C,) in the given dtype and without a gradient.
    """

    @staticmethod
    def forward(ctx, x, dtype, eps):
        var, mean = torch.var_mean(x.to(dtype), dim=_PIXELS, correction=0)
        own = torch.stack([torch.full_like(mean, x.numel() // len(mean)), mean, var])
        everyone = own.repeat(num_processes(), 1)
        dist.all_gather_into_tensor(everyone, own)
        counts, means, variances = everyone.unflatten(0, (-1, 3)).unbind(1)
        count = counts.sum(0)
        mean = (counts * means).sum(0) / count
        var = (counts * (variances + (means - mean).square())).sum(0) / count  # no difference of large squares
        ctx.save_for_backward(x, mean, var, count)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var, count)
        return F.batch_norm(x, mean, var, eps=eps), mean, var, count

    @staticmethod
    def backward(ctx, gradient, *_):
        # dx = (dy - E[dy] - y E[dy y]) / sqrt(var + eps), E being the mean over all processes.
        x, mean, var, count = ctx.saved_tensors
        normalised = F.batch_norm(x, mean, var, eps=ctx.eps)
        products = (gradient, gradient * normalised)
        means = torch.stack([product.sum(dim=_PIXELS, dtype=mean.dtype) for product in products])
        dist.all_reduce(means)
        of_gradient, of_product = (means / count).to(x.dtype)[:, :, None, None]
        scale = (var + ctx.eps).rsqrt().to(x.dtype)[:, None, None]
        return (gradient - of_gradient - normalised * of_product) * scale, None, None
