"""All channels to one peer, by label: one on both sides, whoever asked first.

Only the offerer makes data channels; the side that answers asks for them over the control channel.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from peer.channels.acks import Acks
from peer.channels.carrier import Carrier
from peer.channels.channel import Channel
from peer.channels.ended import Ended
from peer.channels.kinds import (
    Kind,
    decode_label,
    encode_label,
    is_channel_id,
    kind_named,
    parse_protocol,
    protocol_of,
)
from peer.channels.lane import Lane
from peer.channels.limit import Limit
from peer.channels.traffic import Traffic
from peer.errors import Closed, Full, PeerlaneError, Refused
from peer.streams import Bell
from peer.wire import Ack, Close, HasClosed, Open

MAX_CHANNELS = 256
MAX_UNFINISHED_BYTES = 64 * 1024 * 1024
"""Four of the longest messages, in all channels together."""
USELESS_PER_SECOND = 200
USELESS_AT_ONCE = 1024
"""Lanes that have to be refused and acknowledgements that tell nothing: more have no good reason."""

ChannelWord = Open | Close | HasClosed | Ack
MakeLane = Callable[[str, Kind, str], Lane]


class Register:
    """``opened`` gets channels that nobody here has asked for.

    ``say`` speaks over the control channel, or returns False when it cannot; ``violated`` is called with
    the reason when the other side does what nobody who speaks this protocol does.
    """

    def __init__(
        self,
        *,
        you_offer: bool,
        say: Callable[[ChannelWord], bool],
        opened: Callable[[Channel], None],
        violated: Callable[[str], None],
    ) -> None:
        self._you_offer = you_offer
        self._say = say
        self._opened = opened
        self._violated = violated
        self._channels: dict[str, Channel] = {}
        self._by_id: dict[str, Channel] = {}
        """All that have a lane or may get one, also those that have lost their label."""
        self._leaving: set[Channel] = set()
        """Closed here; what waits in them goes out first."""
        self._parting: set[Channel] = set()
        """Ended by the other side; what is under way is read first."""
        self._ended = Ended(say)
        self._traffic = Traffic(violated)
        self._acks = Acks(say)
        self._useless = Limit(USELESS_PER_SECOND, USELESS_AT_ONCE)
        self._unfinished: dict[Channel, int] = {}
        self._unfinished_bytes = 0
        self._make_lane: MakeLane | None = None
        self._is_closed = False
        self._changed = Bell()

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
            self._ask_for(channel)
        return channel

    def use(self, make_lane: MakeLane) -> None:
        """A new connection carries the channels from now on.

        ``make_lane`` gets the encoded label, the kind and the ``protocol`` of the data channel.
        """
        self.detach()
        self._make_lane = make_lane
        if self._you_offer:
            for channel in self._channels.values():
                self._attach_new_lane(channel)

    def detach(self) -> None:
        """The connection has ended; its channels wait for the next one."""
        self._make_lane = None
        self._acks.stop()
        self._traffic.begin()
        for channel in [*self._channels.values(), *self._leaving, *self._parting]:
            channel.detach()

    def ask(self) -> None:
        """The other side can hear us: say what it may have missed, and ask for what it has not made yet."""
        self._ended.say_all()
        if not self._you_offer:
            for channel in self._channels.values():
                if not channel.is_attached:
                    self._ask_for(channel)
        self._acks.say_all(channel.carrier for channel in self._by_id.values())

    def receive(self, message: ChannelWord) -> None:
        """What the other side says about channels."""
        match message:
            case Ack(received):
                self._acknowledge(received)
            case Close(label, channel_id) if self._you_offer:
                self._closed_by_answerer(label, channel_id)
            case Close(label, channel_id):
                self._closed_by_offerer(label, channel_id)
            case HasClosed(label, channel_id) if not self._you_offer:
                self._ended.remember(channel_id)
                self._ended.named(label)
                self._part(self._by_id.get(channel_id))
            case Open() if self._you_offer:
                self._open_for_other(message)

    def adopt(self, lane: Lane, encoded_label: str, protocol: str) -> None:
        """A data channel that the other side has made."""
        label, parsed = decode_label(encoded_label), parse_protocol(protocol)
        if self._you_offer or label is None or parsed is None:
            self._refuse(lane)
            return
        kind, channel_id = parsed
        known = self._channels.get(label)
        is_awaited = known is not None and known.carrier.wanted_id == channel_id
        if channel_id in self._ended or (self._ended.is_unnamed(label) and not is_awaited):
            self._refuse(lane)
            self._ended.close(label, channel_id)
            self._ask_again(label)
            return
        if self._by_id.get(channel_id, known) is not known or (known is None and not self._has_room):
            self._refuse(lane)
            return
        if known is not None and known.kind is kind and known.carrier.id in ("", channel_id):
            if known.is_attached:
                self._count_useless("too many data channels for one channel")
            self._attach(known, lane, channel_id)
            return
        if known is not None:
            self._replace(known, kind)
        channel = self._make(label, kind)
        self._attach(channel, lane, channel_id)
        self._opened(channel)

    def close(self, why: PeerlaneError | None = None) -> None:
        """The connection ends for good; what waits may still go out until :meth:`detach`."""
        self._make_lane = None
        self._is_closed = True
        self._acks.stop()
        for channel in list(self._channels.values()):
            channel.end(why or Closed("the connection is closed"))
        self._traffic.hurry()

    async def drained(self) -> None:
        """Until nothing waits in channels that were closed here."""
        while self._leaving:
            await self._changed.wait()

    # For its channels

    def waits(self, carrier: Carrier) -> None:
        self._traffic.waits(carrier)

    def pump(self) -> None:
        self._traffic.pump()

    def came(self, channel: Channel) -> bool:
        self._acks.came(channel.carrier)
        unfinished_bytes = channel.carrier.unfinished_bytes
        self._unfinished_bytes += unfinished_bytes - self._unfinished.get(channel, 0)
        self._unfinished[channel] = unfinished_bytes
        return self._unfinished_bytes <= MAX_UNFINISHED_BYTES

    def lane_closed(self, channel: Channel) -> None:
        self._forget_lane(channel)

    def closed(self, channel: Channel) -> None:
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]
            self._leaving.add(channel)

    def left(self, channel: Channel) -> None:
        self._forget_lane(channel)
        channel_id = channel.carrier.id
        self._by_id.pop(channel_id, None)
        self._ended.remember(channel_id)
        self._parting.discard(channel)
        if channel in self._leaving:
            self._leaving.discard(channel)
            # The offerer knows every id; what has none there was never made.
            if not self._is_closed and (channel_id or not self._you_offer):
                self._ended.close(channel.label, channel_id)
                self._ask_again(channel.label)
            self._changed.ring()

    def violated(self, reason: str) -> None:
        self._violated(reason)

    # Inside

    @property
    def _has_room(self) -> bool:
        return len(self._channels) + len(self._leaving) + len(self._parting) < MAX_CHANNELS

    def _make(self, label: str, kind: Kind) -> Channel:
        if not self._has_room:
            raise Full("there are too many channels to this peer", hint="close some")
        encode_label(label)
        channel = Channel(label, kind, self)
        self._channels[label] = channel
        return channel

    def _attach(self, channel: Channel, lane: Lane, channel_id: str) -> None:
        self._by_id[channel_id] = channel
        if channel.carrier.wanted_id != channel_id:
            # Nobody needs the one that was asked for any more; it may be made all the same.
            self._ended.remember(channel.carrier.wanted_id)
        self._forget_lane(channel)
        channel.attach(lane, channel_id)

    def _attach_new_lane(self, channel: Channel) -> None:
        if self._make_lane is not None:
            channel_id = channel.carrier.id or channel.carrier.wanted_id or self._draw_id()
            protocol = protocol_of(channel.kind, channel_id)
            lane = self._make_lane(encode_label(channel.label), channel.kind, protocol)
            self._attach(channel, lane, channel_id)

    def _draw_id(self) -> str:
        while (channel_id := secrets.token_hex(4)) in self._by_id or channel_id in self._ended:
            pass
        return channel_id

    def _forget_lane(self, channel: Channel) -> None:
        self._traffic.forget(channel.carrier)
        self._acks.forget(channel.carrier)
        self._unfinished_bytes -= self._unfinished.pop(channel, 0)

    def _refuse(self, lane: Lane) -> None:
        lane.close()
        self._count_useless("too many data channels that have to be refused")

    def _count_useless(self, reason: str) -> None:
        if not self._useless.allows(time.monotonic()):
            self._violated(reason)

    def _acknowledge(self, received: dict[str, object]) -> None:
        is_news = False
        for channel_id, value in received.items():
            channel = self._by_id.get(channel_id)
            if channel is not None and isinstance(value, list) and len(value) == 3:
                is_news |= self._traffic.acknowledge(channel.carrier, *value)
                channel.acknowledged()
        if not is_news:
            self._count_useless("too many acknowledgements of nothing")

    def _open_for_other(self, message: Open) -> None:
        if message.id:
            # One that it had before. Whoever does not know it any more has closed it.
            if message.id not in self._by_id:
                self._say(Close(message.label, message.id))
            return
        if message.ask in self._by_id:
            return  # made already
        if message.ask in self._ended:
            self._say(Close(message.label, message.ask))
            return
        if message.label in self._channels:
            # For a channel of another kind nothing is said: whoever asks sees the one that there is.
            return
        kind = kind_named(message.kind)
        try:
            channel = None if kind is None else self._make(message.label, kind)
        except (ValueError, Full):
            channel = None
        if channel is None:
            # So that the other side does not wait for ever.
            self._say(Close(message.label))
            return
        if is_channel_id(message.ask):
            channel.carrier.wanted_id = message.ask
        self._attach_new_lane(channel)
        self._opened(channel)

    def _closed_by_answerer(self, label: str, channel_id: str) -> None:
        channel = self._by_id.get(channel_id) if channel_id else self._channels.get(label)
        if not channel_id:
            self._say(HasClosed(label, "" if channel is None else channel.carrier.id))
        self._part(channel)

    def _closed_by_offerer(self, label: str, channel_id: str) -> None:
        if channel_id in self._ended:
            return
        channel = self._by_id.get(channel_id)
        self._ended.remember(channel_id)
        known = self._channels.get(label)
        if not channel_id or (
            known is not None and not known.carrier.id and known.carrier.wanted_id == channel_id
        ):
            # It could not be made, or it was and its lane has never come.
            channel = known
        elif channel is not known:
            self._ask_again(label)
        self._part(channel)

    def _part(self, channel: Channel | None) -> None:
        """The other side has closed it."""
        if channel is None:
            return
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]
        self._leaving.discard(channel)
        self._parting.add(channel)
        channel.closed_by_other()
        self._changed.ring()

    def _replace(self, known: Channel, kind: Kind) -> None:
        """The other side has made another channel of this label."""
        del self._channels[known.label]
        if known.carrier.id:
            self._parting.add(known)
            known.replaced_by_other()
        else:
            known.fail(Refused("other-kind", f"the other side has made channel {known.label!r} {kind!r}"))

    def _ask_again(self, label: str) -> None:
        """What was asked for while the old channel was there has been taken for that one."""
        known = self._channels.get(label)
        if not self._you_offer and known is not None and not known.is_attached:
            self._ask_for(known)

    def _ask_for(self, channel: Channel) -> None:
        carrier = channel.carrier
        if not carrier.id and not carrier.wanted_id:
            carrier.wanted_id = self._draw_id()
        self._say(Open(channel.label, channel.kind.name, carrier.id, "" if carrier.id else carrier.wanted_id))
