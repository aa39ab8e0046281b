"""One way to write down a graph: the same network, exported again, is the same bytes."""

from onnx import GraphProto, NodeProto


def canonical(graph: GraphProto) -> None:
    """Order the nodes by what needs them, and name what is inside by where it comes first.

    An exporter may number names through a whole process, and order nodes by the hash of a name.
    What no output needs is dropped.
    """
    _rename(graph, {})


def _rename(graph: GraphProto, names: dict[str, str]) -> None:
    def renamed(name: str) -> str:
        return names.setdefault(name, f"n{len(names)}") if name else ""

    for given in graph.input:
        given.name = renamed(given.name)
    nodes = _in_order(graph)
    for node in nodes:
        node.name, node.doc_string = "", ""
        node.input[:] = [renamed(name) for name in node.input]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
        node.output[:] = [renamed(name) for name in node.output]
    for each in (*graph.initializer, *graph.output):
        each.name = renamed(each.name)
    initializers = sorted(graph.initializer, key=lambda each: int(each.name[1:]))
    graph.doc_string = ""
    for field in ("node", "initializer", "value_info"):
        graph.ClearField(field)
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    for shown in (*graph.input, *graph.output):
        for dimension in shown.type.tensor_type.shape.dim:
            dimension.ClearField("dim_param")


def _in_order(graph: GraphProto) -> list[NodeProto]:
    """Give each node behind those that it needs, from the first output on."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[NodeProto] = []
    done: set[int] = set()
    # A stack, for a network may be deeper than Python recurses.
    stack = [
        (makers[given.name], False) for given in reversed(graph.output) if given.name in makers
    ]
    while stack:
        node, needs_are_there = stack.pop()
        if id(node) in done:
            continue
        if needs_are_there:
            done.add(id(node))
            ordered.append(node)
            continue
        stack.append((node, True))
        stack += [(makers[name], False) for name in reversed(_needs(node)) if name in makers]
    return ordered


def _needs(node: NodeProto) -> list[str]:
    """Give what a node reads, and what the graphs inside it may read."""
    inside = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    read = [name for graph in inside for each in graph.node for name in _needs(each)]
    return [*node.input, *read]
