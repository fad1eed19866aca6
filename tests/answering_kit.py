"""Answering and tasks over a store, wired as a process wires them."""

from collections.abc import Callable
from typing import Any

from leflux.agents.answering import Answering
from leflux.agents.base import Agent
from leflux.chat.policy import Policy
from leflux.chat.ports import VisitorPort
from leflux.common.signals import Signal
from leflux.owner.analytics import Stats
from leflux.sites.registry import Site, Sites
from leflux.tasks.service import TaskPorts, TaskService, open_tasks

SHOP = Site("shop", "Shop", ["shop.test"])


def open_answering(
    store: Any,
    agent: Agent,
    visitors: VisitorPort,
    policy: Policy,
    deadline: float,
    position: Callable[[str], tuple[int, str] | None] = lambda _: None,
) -> tuple[TaskService, Answering]:
    """`position`: see `TaskPorts`; by default no page is connected."""
    wake = Signal[[str, str]]()
    tasks = open_tasks(
        TaskPorts(
            store=store,
            policy=lambda _: policy,
            visitors=visitors,
            position=position,
            sites=Sites([SHOP]),
            stats=Stats(),
            hold=policy.task_hold,
            wake=wake,
        )
    )
    answering = Answering(
        store=store,
        agent=agent,
        tasks=tasks.engine,
        policy=lambda _: policy,
        visitors=visitors,
        deadline=deadline,
    )
    wake.subscribe(answering.wake)
    return tasks, answering
