"""All channels to one peer, by label: one on both sides, whoever asked first.

Only the offerer makes data channels; the side that answers asks for them over the control channel.
"""

from __future__ import annotations

from collections.abc import Callable

from peer.channels.channel import Channel, Lane
from peer.channels.kinds import Kind, decode_label, encode_label, kind_named, kind_of
from peer.errors import Closed, Full, PeerlaneError, Refused
from peer.wire import Close, Open

MAX_CHANNELS = 256


class Register:
    """``say`` speaks over the control channel; ``opened`` gets channels that nobody here has asked for."""

    def __init__(
        self, *, you_offer: bool, say: Callable[[Open | Close], None], opened: Callable[[Channel], None]
    ) -> None:
        self._you_offer = you_offer
        self._say = say
        self._opened = opened
        self._channels: dict[str, Channel] = {}
        self._make_lane: Callable[[str, Kind], Lane] | None = None

    def open(self, label: str, kind: Kind) -> Channel:
        """The channel of this label, which opens when both sides are ready.

        Raises Refused when it is of another kind already, Full past 256 channels, and ValueError for a
        label that cannot be one.
        """
        known = self._channels.get(label)
        if known is not None:
            if known.kind is not kind:
                raise Refused("other-kind", f"channel {label!r} is {known.kind!r} already")
            return known
        channel = self._make(label, kind)
        if self._you_offer:
            self._attach_new_lane(channel)
        else:
            self._say(Open(label, kind.name))
        return channel

    def use(self, make_lane: Callable[[str, Kind], Lane]) -> None:
        """A new connection carries the channels from now on; ``make_lane`` gets an encoded label."""
        self.detach()
        self._make_lane = make_lane
        if self._you_offer:
            for channel in self._channels.values():
                self._attach_new_lane(channel)

    def detach(self) -> None:
        """The connection has ended; its channels wait for the next one."""
        self._make_lane = None
        for channel in self._channels.values():
            channel.detach()

    def ask(self) -> None:
        """The other side can hear us: ask for what it has not made yet."""
        if self._you_offer:
            return
        for channel in self._channels.values():
            if not channel.is_attached:
                self._say(Open(channel.label, channel.kind.name))

    def receive(self, message: Open | Close) -> None:
        """What the other side says about a channel."""
        if isinstance(message, Close):
            channel = self._channels.pop(message.label, None)
            if channel is not None:
                channel.closed_by_other()
        elif self._you_offer and message.label not in self._channels:
            # For a channel of another kind nothing is said: whoever asks sees the one that there is.
            self._open_for_other(message)

    def adopt(self, lane: Lane, encoded_label: str, protocol: str) -> None:
        """A data channel that the other side has made."""
        label = decode_label(encoded_label)
        kind = kind_of(protocol)
        known = None if label is None else self._channels.get(label)
        has_room = known is not None or len(self._channels) < MAX_CHANNELS
        if self._you_offer or label is None or kind is None or not has_room:
            lane.close()
            return
        if known is not None and known.kind is kind:
            known.attach(lane)
            return
        if known is not None:
            del self._channels[label]
            known.fail(Refused("other-kind", f"the other side has made channel {label!r} {kind!r}"))
        channel = self._make(label, kind)
        channel.attach(lane)
        self._opened(channel)

    def close(self, why: PeerlaneError | None = None) -> None:
        """The connection ends for good."""
        self._make_lane = None
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.fail(why or Closed("the connection is closed"))

    def _open_for_other(self, message: Open) -> None:
        kind = kind_named(message.kind)
        try:
            channel = None if kind is None else self._make(message.label, kind)
        except (ValueError, Full):
            channel = None
        if channel is None:
            # So that the other side does not wait for ever.
            self._say(Close(message.label))
            return
        self._attach_new_lane(channel)
        self._opened(channel)

    def _make(self, label: str, kind: Kind) -> Channel:
        if len(self._channels) >= MAX_CHANNELS:
            raise Full("there are too many channels to this peer", hint="close some")
        encode_label(label)
        channel = Channel(label, kind, self._closing)
        self._channels[label] = channel
        return channel

    def _closing(self, channel: Channel) -> None:
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]
            self._say(Close(channel.label))

    def _attach_new_lane(self, channel: Channel) -> None:
        if self._make_lane is not None:
            channel.attach(self._make_lane(encode_label(channel.label), channel.kind))
