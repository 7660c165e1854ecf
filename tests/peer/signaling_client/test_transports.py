from peer.signaling_client.transports import Transports, http_url


def test_all_ways_are_tried_until_one_has_worked_and_then_that_one() -> None:
    transports = Transports()
    assert transports.attempts == ("websocket", "sse", "long-poll")
    transports.opened("sse")
    assert transports.attempts == ("sse",)


def test_the_other_paths_are_where_the_websocket_is() -> None:
    assert http_url("wss://a.example/v1/ws?x=1", "/v1/sse") == "https://a.example/v1/sse"
    assert http_url("ws://a.example:81/under/v1/ws", "/v1/poll") == "http://a.example:81/under/v1/poll"
