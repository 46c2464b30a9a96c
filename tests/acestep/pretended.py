"""A CUDA device that is not there: tensors that say they lie on `cuda:0` and compute on the CPU.

`Card` is a dispatch mode. A tensor made on `cuda` holds its numbers in a CPU tensor and shows
torch, and the code under test, a CUDA device. As on a card an op refuses tensors of the CPU and of
the card together (a single number and an index may come from the CPU), `numpy()` refuses, memory
ends at `limit_bytes` with OutOfMemoryError, and while a graph is captured the host may neither wait
for a number, nor send one, nor make a tensor of its own. A captured graph is the list of its ops
on the places where their tensors lay; a replay computes them again and nothing else, so that what
Python decided at the capture stays decided.

`standing_in(monkeypatch, card)` puts it in the place of `torch.cuda`. What a real card does beyond
that (its kernels' rounding, streams that run at once) can't be seen here.
"""

import contextlib
import operator
from types import SimpleNamespace

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten, tree_unflatten

CUDA = torch.device("cuda:0")
GIB = 1 << 30
aten = torch.ops.aten
_ACROSS = {aten.copy_.default, aten._to_copy.default}
_INDEXED = {
    operator.getitem,
    aten.index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._index_put_impl_.default,
}
_NUMBERS = {aten._local_scalar_dense.default, aten.equal.default, aten.is_nonzero.default}
_SIZED_BY_VALUE = {aten.nonzero.default, aten.masked_select.default, aten._unique2.default}


class _Held:
    """A piece of the card's memory; views of it hold it too."""

    def __init__(self, card, nbytes):
        self.card, self.nbytes = card, nbytes
        if card.used_bytes + nbytes > card.limit_bytes:
            self.nbytes = 0
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {nbytes} bytes.")
        card.used_bytes += nbytes
        card.most_bytes = max(card.most_bytes, card.used_bytes)

    def __del__(self):
        self.card.used_bytes -= self.nbytes


class Stream:
    """A stream. `work` counts the ops that ran while it was the present one."""

    def __init__(self, device=None, priority=0):
        self.work = 0

    def wait_stream(self, other):
        pass


class OnCard(torch.Tensor):
    """A tensor that says it lies on `cuda:0`; `inner` has its numbers."""

    @staticmethod
    def __new__(cls, inner, held):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=CUDA,
        )
        made.inner, made.held = inner, held
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f"{func} on a tensor of the card, and no card is here")

    __torch_function__ = torch._C._disabled_torch_function_impl

    def data_ptr(self):
        return self.inner.data_ptr()

    def numpy(self, *, force=False):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first")

    __array__ = numpy

    def tolist(self):
        return self.cpu().tolist()

    # torch's own ask for a guard of the device, which a build for the CPU has not.
    def contiguous(self, memory_format=torch.contiguous_format):
        if self.is_contiguous(memory_format=memory_format):
            return self
        return self.clone(memory_format=memory_format)

    def copy_(self, other, non_blocking=False):
        return self.held.card.run(aten.copy_.default, (self, other, non_blocking))

    def __invert__(self):
        return self.bitwise_not()

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    __index__ = __int__

    def __getitem__(self, index):
        return self.held.card.run(operator.getitem, (self, index))

    def __setitem__(self, index, value):
        self.held.card.run(_put_at, (self, index, value))

    @property
    def data(self):
        return self.detach()

    @data.setter
    def data(self, other):
        torch.Tensor.data.__set__(self, other)
        self.inner, self.held = other.inner, other.held


def _put_at(target, index, value):
    target[index] = value
    return target


def _masks(index):
    """Whether an index picks by a mask, so that the host must know how much it picks."""
    parts = [one for one in tree_flatten(index)[0] if isinstance(one, torch.Tensor)]
    return any(one.dtype == torch.bool for one in parts)


class Card(TorchDispatchMode):
    """The device. `syncs` are the ops for which the host waited, `sent` those that crossed over."""

    def __init__(self, limit_bytes=64 * GIB):
        super().__init__()
        self.limit_bytes, self.used_bytes, self.most_bytes = limit_bytes, 0, 0
        self.syncs, self.sent = [], []
        self.capturing, self.present = None, Stream()
        self._lifted = []

    def __enter__(self):
        # torch.tensor(…, device="cuda") makes a CPU tensor and sends it, as on a card.
        self._lifted.append(torch._C._only_lift_cpu_tensors())
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *problem):
        torch._C._set_only_lift_cpu_tensors(self._lifted.pop())
        return super().__exit__(*problem)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
            with self:  # in inference mode what is made of other ops comes here whole
                return func.decompose(*args, **kwargs)
        return self.run(func, args, kwargs)

    def run(self, func, args, kwargs=None):
        """Compute an op, wherever its tensors lie."""
        kwargs = dict(kwargs or {})
        wanted = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
        if wanted is not None and wanted.type == "cuda":
            kwargs["device"] = torch.device("cpu")
        given, tree = tree_flatten((args, kwargs))
        ours = [one for one in given if isinstance(one, OnCard)]
        if not ours and (wanted is None or wanted.type != "cuda"):
            if self.capturing is not None and wanted is None:
                self.capturing.refuse(f"{func} works on the CPU")
            with _disable_current_modes():
                return func(*args, **kwargs)
        there = CUDA if wanted is None and ours else wanted
        if func is aten.copy_.default and not isinstance(args[0], OnCard):
            there = torch.device("cpu")
        self._check(func, given, args, there)
        inner = [one.inner if isinstance(one, OnCard) else one for one in given]
        inner_args, inner_kwargs = tree_unflatten(inner, tree)
        with _disable_current_modes():
            made = func(*inner_args, **inner_kwargs)
        if there.type == "cuda" and self.capturing is not None:
            self.capturing.note(func, inner_args, inner_kwargs, made)
        self.present.work += self.capturing is None
        known = {id(one.inner): one for one in ours}
        memory = {one.inner.untyped_storage().data_ptr(): one.held for one in ours}
        outs, shape = tree_flatten(made)
        outs = [self._shown(one, there, known, memory) for one in outs]
        return tree_unflatten(outs, shape)

    def put(self, inner):
        """Return a CPU tensor's numbers as a new tensor of the card."""
        return OnCard(inner, _Held(self, inner.untyped_storage().nbytes()))

    def _shown(self, made, there, known, memory):
        if not isinstance(made, torch.Tensor) or there.type != "cuda":
            return made
        if id(made) in known:
            return known[id(made)]
        place = made.untyped_storage().data_ptr()
        if place not in memory:
            memory[place] = _Held(self, made.untyped_storage().nbytes())
        return OnCard(made, memory[place])

    def _check(self, func, given, args, there):
        foreign = [one for one in given if isinstance(one, torch.Tensor)]
        foreign = [one for one in foreign if not isinstance(one, OnCard) and one.ndim]
        across = func in _ACROSS and bool(foreign or there.type == "cpu")
        if func in _INDEXED and isinstance(args[0], OnCard):
            foreign = [one for one in args[2:3] if not isinstance(one, OnCard) and one.ndim]
        if func is _put_at:  # what is put at a slice may come from the CPU
            foreign = [one for one in foreign if one is args[2]]
            slices = not any(isinstance(one, torch.Tensor) for one in tree_flatten(args[1])[0])
            across = bool(foreign) and slices
        if foreign and not across:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but {func} got cuda:0 and cpu"
            )
        if across:
            self.sent.append(str(func))
        sized = func in _SIZED_BY_VALUE or (func is operator.getitem and _masks(args[1]))
        waits = func in _NUMBERS or sized
        if waits:
            self.syncs.append(str(func))
        if self.capturing is not None and (waits or across):
            self.capturing.refuse(f"{func} makes the host wait or send")


# -- streams and graphs ----------------------------------------------------------------------------


class Graph:
    """A captured graph: its ops, on the places where their tensors lay."""

    def __init__(self):
        self._ops, self.replays = [], 0

    def refuse(self, why):
        raise RuntimeError(f"operation not permitted when stream is capturing: {why}")

    def note(self, func, args, kwargs, made):
        outs = [one for one in tree_flatten(made)[0] if isinstance(one, torch.Tensor)]
        self._ops.append((func, args, kwargs, outs))

    def replay(self):
        self.replays += 1
        with torch.inference_mode(), _disable_current_modes():
            for func, args, kwargs, outs in self._ops:
                again = tree_flatten(func(*args, **kwargs))[0]
                again = [one for one in again if isinstance(one, torch.Tensor)]
                for place, value in zip(outs, again, strict=True):
                    if place.data_ptr() != value.data_ptr():
                        place.copy_(value)


class Event:
    """An event; `waited` counts how often the host waited for it."""

    waited = 0

    def __init__(self, enable_timing=False, blocking=False):
        self._recorded = False

    def record(self, stream=None):
        self._recorded = True

    def synchronize(self):
        assert self._recorded
        Event.waited += 1


class Driver:
    """What stands for `torch.cuda` beside tensors: streams, capture, and what was asked of it."""

    def __init__(self, card, capability=(9, 0)):
        self.card, self.capability = card, capability
        self._stack, self.graphs, self._pools = [card.present], [], 0
        self.fractions, self.devices, self.pools_of_captures = [], [], []
        self.at_capture = lambda: None

    @contextlib.contextmanager
    def stream(self, one):
        self._stack.append(one)
        self.card.present = one
        try:
            yield
        finally:
            self._stack.pop()
            self.card.present = self._stack[-1]

    def forget_graphs(self):
        """Hold no graph any more: a graph that nobody else holds is gone."""
        self.graphs.clear()

    def graph(self, keep_graph=False):
        self.graphs.append(Graph())
        return self.graphs[-1]

    @contextlib.contextmanager
    def capture(self, graph, pool=None, stream=None, capture_error_mode="global"):
        """Capture, as torch.cuda.graph does."""
        assert self.card.capturing is None, "one capture at a time"
        graph.stream, graph.mode, graph.warm = stream, capture_error_mode, stream.work
        self.pools_of_captures.append(pool[1])
        self.card.capturing = graph
        self.at_capture()
        try:
            with self.stream(stream):
                yield
        finally:
            self.card.capturing = None

    def pool(self):
        self._pools += 1
        return (0, self._pools)

    def memory(self, device=None):
        return self.card.limit_bytes - self.card.used_bytes, self.card.limit_bytes

    def fraction(self, share, device=None):
        assert isinstance(share, float)
        self.fractions.append((share, device))


def standing_in(monkeypatch, card, capability=(9, 0)):
    """Put a driver over `card` in the place of torch.cuda's functions; return it."""
    driver = Driver(card, capability)
    put = {
        "_lazy_init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": driver.devices.append,
        "mem_get_info": driver.memory,
        "get_device_capability": lambda device=None: driver.capability,
        "get_device_properties": lambda device=None: SimpleNamespace(
            name="a card that is not there", total_memory=card.limit_bytes
        ),
        "set_per_process_memory_fraction": driver.fraction,
        "empty_cache": lambda: None,
        "synchronize": lambda device=None: None,
        "device": lambda device: contextlib.nullcontext(),
        "Stream": Stream,
        "Event": Event,
        "current_stream": lambda device=None: driver._stack[-1],
        "stream": driver.stream,
        "CUDAGraph": driver.graph,
        "graph": driver.capture,
        "graph_pool_handle": driver.pool,
    }
    for name, value in put.items():
        monkeypatch.setattr(torch.cuda, name, value)
    torch._C._ensureCUDADeviceGuardSet()  # torch's own guard for such tensors, which does nothing
    # Tensors of two classes can't take each other's place in a weight.
    monkeypatch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
    return driver
