import torch
from torch import nn

from pipeline.gan.spectral import add_spectral_norm, fold_spectral_norm


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 4, 5))


def largest_singular_values(net):
    return [torch.linalg.svdvals(layer.weight.detach().flatten(1).double())[0].item() for layer in (net[0], net[2])]


def test_one_power_iteration_per_training_forward_converges_to_norm_one():
    net = add_spectral_norm(network())
    for _ in range(100):
        net(torch.randn(1, 3, 4, 4))
    assert all(abs(value - 1) < 1e-3 for value in largest_singular_values(net.eval()))


def test_vectors_turn_in_training_only():
    net = add_spectral_norm(network())
    norm = net[0]
    before = norm.weight_u.clone()
    net.eval()(torch.randn(1, 3, 4, 4))
    assert torch.equal(norm.weight_u, before)
    net.train()(torch.randn(1, 3, 4, 4))
    assert not torch.equal(norm.weight_u, before)


def test_gradient_of_a_normalised_weight_ignores_its_scale():
    # W / sigma(W) does not change when W is scaled, so the gradient is orthogonal to W.
    net = add_spectral_norm(network())
    for _ in range(100):
        net(torch.randn(1, 3, 4, 4))
    net(torch.randn(4, 3, 4, 4)).square().sum().backward()
    weight = net[2].weight_orig
    assert abs((weight.grad * weight).sum()) < 1e-3 * weight.grad.norm() * weight.norm()


def test_folding_leaves_a_plain_network_of_norm_one_and_as_many_parameters():
    net, plain = add_spectral_norm(network()), network()
    fold_spectral_norm(net, iterations=100)
    assert net.state_dict().keys() == plain.state_dict().keys()
    assert all(abs(value - 1) < 1e-4 for value in largest_singular_values(net))
    direction = net[2].weight / plain[2].weight
    torch.testing.assert_close(direction, direction[0, 0].expand_as(direction))


def test_a_layer_can_be_left_out():
    net = network()
    add_spectral_norm(net, leave_out=[net[2]])
    assert "2.weight" in net.state_dict() and "0.weight" not in net.state_dict()


def test_gradient_agrees_with_finite_differences():
    net = add_spectral_norm(network()).double().eval()  # u and v stand still
    x = torch.randn(2, 3, 4, 4, dtype=torch.double)
    layer = net[2]

    def loss(weight):
        layer.weight_orig.data = weight.detach()
        return net(x).pow(2).sum()

    weight = layer.weight_orig.detach().clone()
    loss(weight).backward()
    direction = torch.randn_like(weight)
    with torch.no_grad():
        slope = (loss(weight + 1e-5 * direction) - loss(weight - 1e-5 * direction)) / 2e-5
    torch.testing.assert_close((layer.weight_orig.grad * direction).sum(), slope, rtol=1e-6, atol=0)


def test_a_second_forward_does_not_spoil_the_gradient_of_the_first():
    x = torch.randn(2, 3, 4, 4)
    gradients = []
    for forwards in (1, 2):
        net = add_spectral_norm(network())
        torch.manual_seed(1)
        loss = net(x).square().sum()
        if forwards == 2:
            net(x)
        loss.backward()
        gradients.append(net[2].weight_orig.grad)
    torch.testing.assert_close(*gradients)
