from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ComeBack(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COME_BACK_UNSPECIFIED: _ClassVar[ComeBack]
    COME_BACK_NEVER: _ClassVar[ComeBack]
    COME_BACK_HERE: _ClassVar[ComeBack]
    COME_BACK_ELSEWHERE: _ClassVar[ComeBack]

class LeaveReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEAVE_REASON_UNSPECIFIED: _ClassVar[LeaveReason]
    LEAVE_REASON_LEFT: _ClassVar[LeaveReason]
    LEAVE_REASON_LOST: _ClassVar[LeaveReason]
    LEAVE_REASON_RESET: _ClassVar[LeaveReason]
    LEAVE_REASON_KICKED: _ClassVar[LeaveReason]
    LEAVE_REASON_EXPIRED: _ClassVar[LeaveReason]

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_JOIN: _ClassVar[Permission]
    PERMISSION_CREATE: _ClassVar[Permission]
    PERMISSION_PUBLISH: _ClassVar[Permission]
    PERMISSION_SIGNAL: _ClassVar[Permission]
    PERMISSION_BROADCAST: _ClassVar[Permission]
    PERMISSION_KICK: _ClassVar[Permission]
    PERMISSION_LOCK: _ClassVar[Permission]
    PERMISSION_LOBBY: _ClassVar[Permission]
    PERMISSION_ADMIN: _ClassVar[Permission]

class ErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_CODE_UNSPECIFIED: _ClassVar[ErrorCode]
    ERROR_CODE_MALFORMED: _ClassVar[ErrorCode]
    ERROR_CODE_TOO_LARGE: _ClassVar[ErrorCode]
    ERROR_CODE_HELLO_FIRST: _ClassVar[ErrorCode]
    ERROR_CODE_HELLO_TWICE: _ClassVar[ErrorCode]
    ERROR_CODE_BAD_ROOM_NAME: _ClassVar[ErrorCode]
    ERROR_CODE_BAD_NAME: _ClassVar[ErrorCode]
    ERROR_CODE_BAD_METADATA: _ClassVar[ErrorCode]
    ERROR_CODE_ROOM_FULL: _ClassVar[ErrorCode]
    ERROR_CODE_TOO_MANY_ROOMS: _ClassVar[ErrorCode]
    ERROR_CODE_NOT_A_MEMBER: _ClassVar[ErrorCode]
    ERROR_CODE_UNKNOWN_PEER: _ClassVar[ErrorCode]
    ERROR_CODE_SERVER_BUSY: _ClassVar[ErrorCode]
    ERROR_CODE_NOT_ALLOWED: _ClassVar[ErrorCode]
    ERROR_CODE_BAD_TOKEN: _ClassVar[ErrorCode]
    ERROR_CODE_ROOM_LOCKED: _ClassVar[ErrorCode]
    ERROR_CODE_BAD_PASSWORD: _ClassVar[ErrorCode]
    ERROR_CODE_BANNED: _ClassVar[ErrorCode]
    ERROR_CODE_TURNED_AWAY: _ClassVar[ErrorCode]
    ERROR_CODE_APP_FULL: _ClassVar[ErrorCode]
    ERROR_CODE_TOO_FAST: _ClassVar[ErrorCode]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_DONE: _ClassVar[Outcome]
    OUTCOME_PASSED_ON: _ClassVar[Outcome]

class DrainPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DRAIN_PHASE_UNSPECIFIED: _ClassVar[DrainPhase]
    DRAIN_PHASE_SERVING: _ClassVar[DrainPhase]
    DRAIN_PHASE_LEAVING: _ClassVar[DrainPhase]
    DRAIN_PHASE_LEFT: _ClassVar[DrainPhase]
COME_BACK_UNSPECIFIED: ComeBack
COME_BACK_NEVER: ComeBack
COME_BACK_HERE: ComeBack
COME_BACK_ELSEWHERE: ComeBack
LEAVE_REASON_UNSPECIFIED: LeaveReason
LEAVE_REASON_LEFT: LeaveReason
LEAVE_REASON_LOST: LeaveReason
LEAVE_REASON_RESET: LeaveReason
LEAVE_REASON_KICKED: LeaveReason
LEAVE_REASON_EXPIRED: LeaveReason
PERMISSION_UNSPECIFIED: Permission
PERMISSION_JOIN: Permission
PERMISSION_CREATE: Permission
PERMISSION_PUBLISH: Permission
PERMISSION_SIGNAL: Permission
PERMISSION_BROADCAST: Permission
PERMISSION_KICK: Permission
PERMISSION_LOCK: Permission
PERMISSION_LOBBY: Permission
PERMISSION_ADMIN: Permission
ERROR_CODE_UNSPECIFIED: ErrorCode
ERROR_CODE_MALFORMED: ErrorCode
ERROR_CODE_TOO_LARGE: ErrorCode
ERROR_CODE_HELLO_FIRST: ErrorCode
ERROR_CODE_HELLO_TWICE: ErrorCode
ERROR_CODE_BAD_ROOM_NAME: ErrorCode
ERROR_CODE_BAD_NAME: ErrorCode
ERROR_CODE_BAD_METADATA: ErrorCode
ERROR_CODE_ROOM_FULL: ErrorCode
ERROR_CODE_TOO_MANY_ROOMS: ErrorCode
ERROR_CODE_NOT_A_MEMBER: ErrorCode
ERROR_CODE_UNKNOWN_PEER: ErrorCode
ERROR_CODE_SERVER_BUSY: ErrorCode
ERROR_CODE_NOT_ALLOWED: ErrorCode
ERROR_CODE_BAD_TOKEN: ErrorCode
ERROR_CODE_ROOM_LOCKED: ErrorCode
ERROR_CODE_BAD_PASSWORD: ErrorCode
ERROR_CODE_BANNED: ErrorCode
ERROR_CODE_TURNED_AWAY: ErrorCode
ERROR_CODE_APP_FULL: ErrorCode
ERROR_CODE_TOO_FAST: ErrorCode
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_DONE: Outcome
OUTCOME_PASSED_ON: Outcome
DRAIN_PHASE_UNSPECIFIED: DrainPhase
DRAIN_PHASE_SERVING: DrainPhase
DRAIN_PHASE_LEAVING: DrainPhase
DRAIN_PHASE_LEFT: DrainPhase

class ConnectRequest(_message.Message):
    __slots__ = ("hello", "join", "leave", "update", "signal", "ack", "broadcast", "authenticate", "kick", "configure", "decide", "ping", "pong", "bye")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    LEAVE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATE_FIELD_NUMBER: _ClassVar[int]
    KICK_FIELD_NUMBER: _ClassVar[int]
    CONFIGURE_FIELD_NUMBER: _ClassVar[int]
    DECIDE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    BYE_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    join: Join
    leave: Leave
    update: Update
    signal: Signal
    ack: Ack
    broadcast: Broadcast
    authenticate: Authenticate
    kick: Kick
    configure: Configure
    decide: Decide
    ping: Ping
    pong: Pong
    bye: Bye
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., join: _Optional[_Union[Join, _Mapping]] = ..., leave: _Optional[_Union[Leave, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., signal: _Optional[_Union[Signal, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., broadcast: _Optional[_Union[Broadcast, _Mapping]] = ..., authenticate: _Optional[_Union[Authenticate, _Mapping]] = ..., kick: _Optional[_Union[Kick, _Mapping]] = ..., configure: _Optional[_Union[Configure, _Mapping]] = ..., decide: _Optional[_Union[Decide, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., bye: _Optional[_Union[Bye, _Mapping]] = ...) -> None: ...

class ConnectResponse(_message.Message):
    __slots__ = ("welcome", "joined", "left", "updated", "peer_joined", "peer_updated", "peer_left", "signal", "ack", "broadcast", "refused", "waiting", "done", "room_updated", "knocked", "knock_ended", "kicked", "permitted", "expiring", "ticket", "ice_servers", "nodes", "degraded", "ping", "pong", "bye")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    JOINED_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    PEER_JOINED_FIELD_NUMBER: _ClassVar[int]
    PEER_UPDATED_FIELD_NUMBER: _ClassVar[int]
    PEER_LEFT_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    ROOM_UPDATED_FIELD_NUMBER: _ClassVar[int]
    KNOCKED_FIELD_NUMBER: _ClassVar[int]
    KNOCK_ENDED_FIELD_NUMBER: _ClassVar[int]
    KICKED_FIELD_NUMBER: _ClassVar[int]
    PERMITTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRING_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ICE_SERVERS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    BYE_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    joined: Joined
    left: Left
    updated: Updated
    peer_joined: PeerJoined
    peer_updated: PeerUpdated
    peer_left: PeerLeft
    signal: Signalled
    ack: Acked
    broadcast: Broadcasted
    refused: Refused
    waiting: Waiting
    done: Done
    room_updated: RoomUpdated
    knocked: Knocked
    knock_ended: KnockEnded
    kicked: Kicked
    permitted: Permitted
    expiring: Expiring
    ticket: Ticket
    ice_servers: IceServers
    nodes: Nodes
    degraded: Degraded
    ping: Ping
    pong: Pong
    bye: Bye
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., joined: _Optional[_Union[Joined, _Mapping]] = ..., left: _Optional[_Union[Left, _Mapping]] = ..., updated: _Optional[_Union[Updated, _Mapping]] = ..., peer_joined: _Optional[_Union[PeerJoined, _Mapping]] = ..., peer_updated: _Optional[_Union[PeerUpdated, _Mapping]] = ..., peer_left: _Optional[_Union[PeerLeft, _Mapping]] = ..., signal: _Optional[_Union[Signalled, _Mapping]] = ..., ack: _Optional[_Union[Acked, _Mapping]] = ..., broadcast: _Optional[_Union[Broadcasted, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ..., waiting: _Optional[_Union[Waiting, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., room_updated: _Optional[_Union[RoomUpdated, _Mapping]] = ..., knocked: _Optional[_Union[Knocked, _Mapping]] = ..., knock_ended: _Optional[_Union[KnockEnded, _Mapping]] = ..., kicked: _Optional[_Union[Kicked, _Mapping]] = ..., permitted: _Optional[_Union[Permitted, _Mapping]] = ..., expiring: _Optional[_Union[Expiring, _Mapping]] = ..., ticket: _Optional[_Union[Ticket, _Mapping]] = ..., ice_servers: _Optional[_Union[IceServers, _Mapping]] = ..., nodes: _Optional[_Union[Nodes, _Mapping]] = ..., degraded: _Optional[_Union[Degraded, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., bye: _Optional[_Union[Bye, _Mapping]] = ...) -> None: ...

class ListenRequest(_message.Message):
    __slots__ = ("hello",)
    HELLO_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ...) -> None: ...

class ListenResponse(_message.Message):
    __slots__ = ("link", "event")
    LINK_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    link: str
    event: ConnectResponse
    def __init__(self, link: _Optional[str] = ..., event: _Optional[_Union[ConnectResponse, _Mapping]] = ...) -> None: ...

class SayRequest(_message.Message):
    __slots__ = ("link", "requests")
    LINK_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    link: str
    requests: _containers.RepeatedCompositeFieldContainer[ConnectRequest]
    def __init__(self, link: _Optional[str] = ..., requests: _Optional[_Iterable[_Union[ConnectRequest, _Mapping]]] = ...) -> None: ...

class SayResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("room", "app", "types", "resume_token")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    APP_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    room: str
    app: str
    types: _containers.RepeatedScalarFieldContainer[str]
    resume_token: str
    def __init__(self, room: _Optional[str] = ..., app: _Optional[str] = ..., types: _Optional[_Iterable[str]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("resume_token", "at", "room_opened", "room_changed", "room_closed", "member_joined", "member_changed", "member_left", "node_seen", "node_lost", "bus_changed", "draining", "room", "gap")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ROOM_OPENED_FIELD_NUMBER: _ClassVar[int]
    ROOM_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ROOM_CLOSED_FIELD_NUMBER: _ClassVar[int]
    MEMBER_JOINED_FIELD_NUMBER: _ClassVar[int]
    MEMBER_CHANGED_FIELD_NUMBER: _ClassVar[int]
    MEMBER_LEFT_FIELD_NUMBER: _ClassVar[int]
    NODE_SEEN_FIELD_NUMBER: _ClassVar[int]
    NODE_LOST_FIELD_NUMBER: _ClassVar[int]
    BUS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    GAP_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    at: float
    room_opened: RoomOpened
    room_changed: RoomChanged
    room_closed: RoomClosed
    member_joined: MemberJoined
    member_changed: MemberChanged
    member_left: MemberLeft
    node_seen: NodeSeen
    node_lost: NodeLost
    bus_changed: BusChanged
    draining: Draining
    room: RoomState
    gap: Gap
    def __init__(self, resume_token: _Optional[str] = ..., at: _Optional[float] = ..., room_opened: _Optional[_Union[RoomOpened, _Mapping]] = ..., room_changed: _Optional[_Union[RoomChanged, _Mapping]] = ..., room_closed: _Optional[_Union[RoomClosed, _Mapping]] = ..., member_joined: _Optional[_Union[MemberJoined, _Mapping]] = ..., member_changed: _Optional[_Union[MemberChanged, _Mapping]] = ..., member_left: _Optional[_Union[MemberLeft, _Mapping]] = ..., node_seen: _Optional[_Union[NodeSeen, _Mapping]] = ..., node_lost: _Optional[_Union[NodeLost, _Mapping]] = ..., bus_changed: _Optional[_Union[BusChanged, _Mapping]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ..., room: _Optional[_Union[RoomState, _Mapping]] = ..., gap: _Optional[_Union[Gap, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("version", "capabilities", "resume", "token", "region", "resumable")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    RESUMABLE_FIELD_NUMBER: _ClassVar[int]
    version: int
    capabilities: Capabilities
    resume: Resume
    token: str
    region: str
    resumable: bool
    def __init__(self, version: _Optional[int] = ..., capabilities: _Optional[_Union[Capabilities, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., token: _Optional[str] = ..., region: _Optional[str] = ..., resumable: _Optional[bool] = ...) -> None: ...

class Join(_message.Message):
    __slots__ = ("request", "room", "name", "metadata", "capacity", "proof", "lobby")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    LOBBY_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    name: str
    metadata: _struct_pb2.Struct
    capacity: int
    proof: str
    lobby: bool
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., name: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capacity: _Optional[int] = ..., proof: _Optional[str] = ..., lobby: _Optional[bool] = ...) -> None: ...

class Leave(_message.Message):
    __slots__ = ("request", "room")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("request", "room", "name", "metadata")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    name: str
    metadata: _struct_pb2.Struct
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., name: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Signal(_message.Message):
    __slots__ = ("to", "n", "payload")
    TO_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    to: str
    n: int
    payload: bytes
    def __init__(self, to: _Optional[str] = ..., n: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("to", "n")
    TO_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    to: str
    n: int
    def __init__(self, to: _Optional[str] = ..., n: _Optional[int] = ...) -> None: ...

class Broadcast(_message.Message):
    __slots__ = ("room", "payload")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    room: str
    payload: bytes
    def __init__(self, room: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Authenticate(_message.Message):
    __slots__ = ("request", "token")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    request: int
    token: str
    def __init__(self, request: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class Kick(_message.Message):
    __slots__ = ("request", "room", "id", "ban", "reason")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BAN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    id: str
    ban: float
    reason: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., id: _Optional[str] = ..., ban: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class Configure(_message.Message):
    __slots__ = ("request", "room", "locked", "capacity", "proof", "lobby", "owner")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    LOBBY_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    locked: bool
    capacity: int
    proof: str
    lobby: bool
    owner: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., locked: _Optional[bool] = ..., capacity: _Optional[int] = ..., proof: _Optional[str] = ..., lobby: _Optional[bool] = ..., owner: _Optional[str] = ...) -> None: ...

class Decide(_message.Message):
    __slots__ = ("request", "room", "id", "admit")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    ADMIT_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    id: str
    admit: bool
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., id: _Optional[str] = ..., admit: _Optional[bool] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("received",)
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    received: int
    def __init__(self, received: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("received", "unix_now")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    UNIX_NOW_FIELD_NUMBER: _ClassVar[int]
    received: int
    unix_now: float
    def __init__(self, received: _Optional[int] = ..., unix_now: _Optional[float] = ...) -> None: ...

class Bye(_message.Message):
    __slots__ = ("code", "reason", "come_back", "after")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COME_BACK_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    come_back: ComeBack
    after: float
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., come_back: _Optional[_Union[ComeBack, str]] = ..., after: _Optional[float] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("you", "epoch", "resumed", "received", "ticket", "unix_now", "ping_interval", "ping_timeout", "resume_window", "settle", "limits", "ice_servers", "subject", "can", "expires", "node", "region", "nodes", "degraded")
    YOU_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    UNIX_NOW_FIELD_NUMBER: _ClassVar[int]
    PING_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    PING_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RESUME_WINDOW_FIELD_NUMBER: _ClassVar[int]
    SETTLE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ICE_SERVERS_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CAN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    you: str
    epoch: str
    resumed: bool
    received: int
    ticket: str
    unix_now: float
    ping_interval: float
    ping_timeout: float
    resume_window: float
    settle: float
    limits: Limits
    ice_servers: _containers.RepeatedCompositeFieldContainer[IceServer]
    subject: str
    can: _containers.RepeatedScalarFieldContainer[Permission]
    expires: float
    node: str
    region: str
    nodes: _containers.RepeatedCompositeFieldContainer[NodeAddress]
    degraded: bool
    def __init__(self, you: _Optional[str] = ..., epoch: _Optional[str] = ..., resumed: _Optional[bool] = ..., received: _Optional[int] = ..., ticket: _Optional[str] = ..., unix_now: _Optional[float] = ..., ping_interval: _Optional[float] = ..., ping_timeout: _Optional[float] = ..., resume_window: _Optional[float] = ..., settle: _Optional[float] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., ice_servers: _Optional[_Iterable[_Union[IceServer, _Mapping]]] = ..., subject: _Optional[str] = ..., can: _Optional[_Iterable[_Union[Permission, str]]] = ..., expires: _Optional[float] = ..., node: _Optional[str] = ..., region: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[NodeAddress, _Mapping]]] = ..., degraded: _Optional[bool] = ...) -> None: ...

class Joined(_message.Message):
    __slots__ = ("request", "room", "peers", "capacity", "settings", "waiting")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    capacity: int
    settings: RoomSettings
    waiting: _containers.RepeatedCompositeFieldContainer[Peer]
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ..., peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ..., capacity: _Optional[int] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ..., waiting: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ...) -> None: ...

class Left(_message.Message):
    __slots__ = ("request", "room")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ...) -> None: ...

class Updated(_message.Message):
    __slots__ = ("request", "room")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ...) -> None: ...

class PeerJoined(_message.Message):
    __slots__ = ("room", "peer")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    room: str
    peer: Peer
    def __init__(self, room: _Optional[str] = ..., peer: _Optional[_Union[Peer, _Mapping]] = ...) -> None: ...

class PeerUpdated(_message.Message):
    __slots__ = ("room", "id", "name", "metadata", "away", "publishes")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    PUBLISHES_FIELD_NUMBER: _ClassVar[int]
    room: str
    id: str
    name: str
    metadata: _struct_pb2.Struct
    away: bool
    publishes: bool
    def __init__(self, room: _Optional[str] = ..., id: _Optional[str] = ..., name: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., away: _Optional[bool] = ..., publishes: _Optional[bool] = ...) -> None: ...

class PeerLeft(_message.Message):
    __slots__ = ("room", "id", "reason")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    room: str
    id: str
    reason: LeaveReason
    def __init__(self, room: _Optional[str] = ..., id: _Optional[str] = ..., reason: _Optional[_Union[LeaveReason, str]] = ...) -> None: ...

class Signalled(_message.Message):
    __slots__ = ("sender", "n", "payload")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    sender: str
    n: int
    payload: bytes
    def __init__(self, sender: _Optional[str] = ..., n: _Optional[int] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Acked(_message.Message):
    __slots__ = ("sender", "n")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    sender: str
    n: int
    def __init__(self, sender: _Optional[str] = ..., n: _Optional[int] = ...) -> None: ...

class Broadcasted(_message.Message):
    __slots__ = ("room", "sender", "payload")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    room: str
    sender: str
    payload: bytes
    def __init__(self, room: _Optional[str] = ..., sender: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Refused(_message.Message):
    __slots__ = ("code", "hint", "request", "to", "n", "retry_after")
    CODE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    code: ErrorCode
    hint: str
    request: int
    to: str
    n: int
    retry_after: float
    def __init__(self, code: _Optional[_Union[ErrorCode, str]] = ..., hint: _Optional[str] = ..., request: _Optional[int] = ..., to: _Optional[str] = ..., n: _Optional[int] = ..., retry_after: _Optional[float] = ...) -> None: ...

class Waiting(_message.Message):
    __slots__ = ("request", "room")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    request: int
    room: str
    def __init__(self, request: _Optional[int] = ..., room: _Optional[str] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: int
    def __init__(self, request: _Optional[int] = ...) -> None: ...

class RoomUpdated(_message.Message):
    __slots__ = ("room", "settings")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    room: str
    settings: RoomSettings
    def __init__(self, room: _Optional[str] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ...) -> None: ...

class Knocked(_message.Message):
    __slots__ = ("room", "peer")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    room: str
    peer: Peer
    def __init__(self, room: _Optional[str] = ..., peer: _Optional[_Union[Peer, _Mapping]] = ...) -> None: ...

class KnockEnded(_message.Message):
    __slots__ = ("room", "id")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    room: str
    id: str
    def __init__(self, room: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class Kicked(_message.Message):
    __slots__ = ("room", "reason", "ban")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BAN_FIELD_NUMBER: _ClassVar[int]
    room: str
    reason: str
    ban: float
    def __init__(self, room: _Optional[str] = ..., reason: _Optional[str] = ..., ban: _Optional[float] = ...) -> None: ...

class Permitted(_message.Message):
    __slots__ = ("can", "expires")
    CAN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    can: _containers.RepeatedScalarFieldContainer[Permission]
    expires: float
    def __init__(self, can: _Optional[_Iterable[_Union[Permission, str]]] = ..., expires: _Optional[float] = ...) -> None: ...

class Expiring(_message.Message):
    __slots__ = ("expires",)
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    expires: float
    def __init__(self, expires: _Optional[float] = ...) -> None: ...

class Ticket(_message.Message):
    __slots__ = ("ticket",)
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ticket: str
    def __init__(self, ticket: _Optional[str] = ...) -> None: ...

class IceServers(_message.Message):
    __slots__ = ("ice_servers",)
    ICE_SERVERS_FIELD_NUMBER: _ClassVar[int]
    ice_servers: _containers.RepeatedCompositeFieldContainer[IceServer]
    def __init__(self, ice_servers: _Optional[_Iterable[_Union[IceServer, _Mapping]]] = ...) -> None: ...

class Nodes(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeAddress]
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeAddress, _Mapping]]] = ...) -> None: ...

class Degraded(_message.Message):
    __slots__ = ("degraded",)
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    degraded: bool
    def __init__(self, degraded: _Optional[bool] = ...) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("engine", "rollback", "ice_restart", "trickle", "media", "only_offers")
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    ICE_RESTART_FIELD_NUMBER: _ClassVar[int]
    TRICKLE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    ONLY_OFFERS_FIELD_NUMBER: _ClassVar[int]
    engine: str
    rollback: bool
    ice_restart: bool
    trickle: bool
    media: bool
    only_offers: bool
    def __init__(self, engine: _Optional[str] = ..., rollback: _Optional[bool] = ..., ice_restart: _Optional[bool] = ..., trickle: _Optional[bool] = ..., media: _Optional[bool] = ..., only_offers: _Optional[bool] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("ticket", "epoch", "received")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    ticket: str
    epoch: str
    received: int
    def __init__(self, ticket: _Optional[str] = ..., epoch: _Optional[str] = ..., received: _Optional[int] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("id", "name", "metadata", "capabilities", "away", "you_offer", "publishes")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    YOU_OFFER_FIELD_NUMBER: _ClassVar[int]
    PUBLISHES_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    metadata: _struct_pb2.Struct
    capabilities: Capabilities
    away: bool
    you_offer: bool
    publishes: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Union[Capabilities, _Mapping]] = ..., away: _Optional[bool] = ..., you_offer: _Optional[bool] = ..., publishes: _Optional[bool] = ...) -> None: ...

class IceServer(_message.Message):
    __slots__ = ("urls", "username", "credential")
    URLS_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    urls: _containers.RepeatedScalarFieldContainer[str]
    username: str
    credential: str
    def __init__(self, urls: _Optional[_Iterable[str]] = ..., username: _Optional[str] = ..., credential: _Optional[str] = ...) -> None: ...

class NodeAddress(_message.Message):
    __slots__ = ("url", "region", "weight", "id", "draining")
    URL_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    url: str
    region: str
    weight: float
    id: str
    draining: bool
    def __init__(self, url: _Optional[str] = ..., region: _Optional[str] = ..., weight: _Optional[float] = ..., id: _Optional[str] = ..., draining: _Optional[bool] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_metadata_bytes", "max_rooms", "messages_per_second", "messages_burst", "bytes_per_second", "joins_per_second", "broadcasts_per_second", "max_members", "outbox_messages", "outbox_bytes")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_METADATA_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ROOMS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_BURST_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    JOINS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BROADCASTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MAX_MEMBERS_FIELD_NUMBER: _ClassVar[int]
    OUTBOX_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    OUTBOX_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_metadata_bytes: int
    max_rooms: int
    messages_per_second: float
    messages_burst: int
    bytes_per_second: float
    joins_per_second: float
    broadcasts_per_second: float
    max_members: int
    outbox_messages: int
    outbox_bytes: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_metadata_bytes: _Optional[int] = ..., max_rooms: _Optional[int] = ..., messages_per_second: _Optional[float] = ..., messages_burst: _Optional[int] = ..., bytes_per_second: _Optional[float] = ..., joins_per_second: _Optional[float] = ..., broadcasts_per_second: _Optional[float] = ..., max_members: _Optional[int] = ..., outbox_messages: _Optional[int] = ..., outbox_bytes: _Optional[int] = ...) -> None: ...

class RoomSettings(_message.Message):
    __slots__ = ("capacity", "owner", "locked", "has_password", "has_lobby")
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LOCKED_FIELD_NUMBER: _ClassVar[int]
    HAS_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    HAS_LOBBY_FIELD_NUMBER: _ClassVar[int]
    capacity: int
    owner: str
    locked: bool
    has_password: bool
    has_lobby: bool
    def __init__(self, capacity: _Optional[int] = ..., owner: _Optional[str] = ..., locked: _Optional[bool] = ..., has_password: _Optional[bool] = ..., has_lobby: _Optional[bool] = ...) -> None: ...

class FeedMember(_message.Message):
    __slots__ = ("id", "name", "node", "metadata", "away")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    node: str
    metadata: _struct_pb2.Struct
    away: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., node: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., away: _Optional[bool] = ...) -> None: ...

class RoomOpened(_message.Message):
    __slots__ = ("room", "settings")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    room: str
    settings: RoomSettings
    def __init__(self, room: _Optional[str] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ...) -> None: ...

class RoomChanged(_message.Message):
    __slots__ = ("room", "settings")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    room: str
    settings: RoomSettings
    def __init__(self, room: _Optional[str] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ...) -> None: ...

class RoomClosed(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: str
    def __init__(self, room: _Optional[str] = ...) -> None: ...

class MemberJoined(_message.Message):
    __slots__ = ("room", "member")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    room: str
    member: FeedMember
    def __init__(self, room: _Optional[str] = ..., member: _Optional[_Union[FeedMember, _Mapping]] = ...) -> None: ...

class MemberChanged(_message.Message):
    __slots__ = ("room", "member")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    room: str
    member: FeedMember
    def __init__(self, room: _Optional[str] = ..., member: _Optional[_Union[FeedMember, _Mapping]] = ...) -> None: ...

class MemberLeft(_message.Message):
    __slots__ = ("room", "id", "reason")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    room: str
    id: str
    reason: str
    def __init__(self, room: _Optional[str] = ..., id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class NodeSeen(_message.Message):
    __slots__ = ("node", "region")
    NODE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    node: str
    region: str
    def __init__(self, node: _Optional[str] = ..., region: _Optional[str] = ...) -> None: ...

class NodeLost(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class BusChanged(_message.Message):
    __slots__ = ("is_there",)
    IS_THERE_FIELD_NUMBER: _ClassVar[int]
    is_there: bool
    def __init__(self, is_there: _Optional[bool] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RoomState(_message.Message):
    __slots__ = ("room", "settings", "members")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    room: str
    settings: RoomSettings
    members: _containers.RepeatedCompositeFieldContainer[FeedMember]
    def __init__(self, room: _Optional[str] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ..., members: _Optional[_Iterable[_Union[FeedMember, _Mapping]]] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRoomsRequest(_message.Message):
    __slots__ = ("app", "after", "limit")
    APP_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    app: str
    after: str
    limit: int
    def __init__(self, app: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListedRoom(_message.Message):
    __slots__ = ("room", "members", "waiting", "elsewhere", "nodes")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    ELSEWHERE_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    room: str
    members: int
    waiting: int
    elsewhere: int
    nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, room: _Optional[str] = ..., members: _Optional[int] = ..., waiting: _Optional[int] = ..., elsewhere: _Optional[int] = ..., nodes: _Optional[_Iterable[str]] = ...) -> None: ...

class ListRoomsResponse(_message.Message):
    __slots__ = ("rooms", "count", "next")
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    rooms: _containers.RepeatedCompositeFieldContainer[ListedRoom]
    count: int
    next: str
    def __init__(self, rooms: _Optional[_Iterable[_Union[ListedRoom, _Mapping]]] = ..., count: _Optional[int] = ..., next: _Optional[str] = ...) -> None: ...

class GetRoomRequest(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: str
    def __init__(self, room: _Optional[str] = ...) -> None: ...

class ShownMember(_message.Message):
    __slots__ = ("id", "name", "subject", "away", "node")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    subject: str
    away: bool
    node: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., subject: _Optional[str] = ..., away: _Optional[bool] = ..., node: _Optional[str] = ...) -> None: ...

class GetRoomResponse(_message.Message):
    __slots__ = ("room", "settings", "members", "waiting")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    room: str
    settings: RoomSettings
    members: _containers.RepeatedCompositeFieldContainer[ShownMember]
    waiting: _containers.RepeatedCompositeFieldContainer[ShownMember]
    def __init__(self, room: _Optional[str] = ..., settings: _Optional[_Union[RoomSettings, _Mapping]] = ..., members: _Optional[_Iterable[_Union[ShownMember, _Mapping]]] = ..., waiting: _Optional[_Iterable[_Union[ShownMember, _Mapping]]] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("app", "after", "limit")
    APP_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    app: str
    after: str
    limit: int
    def __init__(self, app: _Optional[str] = ..., after: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListedSession(_message.Message):
    __slots__ = ("id", "subject", "away", "rooms")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    AWAY_FIELD_NUMBER: _ClassVar[int]
    ROOMS_FIELD_NUMBER: _ClassVar[int]
    id: str
    subject: str
    away: bool
    rooms: int
    def __init__(self, id: _Optional[str] = ..., subject: _Optional[str] = ..., away: _Optional[bool] = ..., rooms: _Optional[int] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "count", "next")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[ListedSession]
    count: int
    next: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[ListedSession, _Mapping]]] = ..., count: _Optional[int] = ..., next: _Optional[str] = ...) -> None: ...

class KickMemberRequest(_message.Message):
    __slots__ = ("room", "id", "ban", "reason")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BAN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    room: str
    id: str
    ban: float
    reason: str
    def __init__(self, room: _Optional[str] = ..., id: _Optional[str] = ..., ban: _Optional[float] = ..., reason: _Optional[str] = ...) -> None: ...

class KickMemberResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ...) -> None: ...

class CloseRoomRequest(_message.Message):
    __slots__ = ("room",)
    ROOM_FIELD_NUMBER: _ClassVar[int]
    room: str
    def __init__(self, room: _Optional[str] = ...) -> None: ...

class CloseRoomResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ...) -> None: ...

class ExpelRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ExpelResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ...) -> None: ...

class BroadcastToRoomRequest(_message.Message):
    __slots__ = ("room", "payload")
    ROOM_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    room: str
    payload: bytes
    def __init__(self, room: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class BroadcastToRoomResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, str]] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDrainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: DrainState
    def __init__(self, state: _Optional[_Union[DrainState, _Mapping]] = ...) -> None: ...

class GetDrainResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: DrainState
    def __init__(self, state: _Optional[_Union[DrainState, _Mapping]] = ...) -> None: ...

class DrainState(_message.Message):
    __slots__ = ("state", "links", "sessions", "nodes")
    STATE_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    state: DrainPhase
    links: int
    sessions: int
    nodes: int
    def __init__(self, state: _Optional[_Union[DrainPhase, str]] = ..., links: _Optional[int] = ..., sessions: _Optional[int] = ..., nodes: _Optional[int] = ...) -> None: ...
