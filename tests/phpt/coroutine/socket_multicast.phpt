--TEST--
Socket options take interfaces, multicast groups and packet information as PHP's own sockets do
--EXTENSIONS--
swoole
sockets
--FILE--
<?php
use Swoole\Coroutine\Socket;
Co\run(function () {
    $udp = new Socket(AF_INET, SOCK_DGRAM, 0);
    $lo = (int) file_get_contents('/sys/class/net/lo/ifindex');
    var_dump($udp->setOption(IPPROTO_IP, IP_MULTICAST_IF, $lo), $udp->getOption(IPPROTO_IP, IP_MULTICAST_IF) === $lo);
    var_dump($udp->setOption(IPPROTO_IP, IP_MULTICAST_IF, 'lo'), $udp->getOption(IPPROTO_IP, IP_MULTICAST_IF) === $lo);
    $group = ['group' => '224.0.0.23', 'interface' => 'lo'];
    var_dump($udp->setOption(IPPROTO_IP, MCAST_JOIN_GROUP, $group));
    var_dump($udp->setOption(IPPROTO_IP, MCAST_LEAVE_GROUP, $group));
    var_dump($udp->setOption(IPPROTO_IP, MCAST_LEAVE_GROUP, $group), $udp->errCode);
    $source = $group + ['source' => '127.0.0.1'];
    var_dump($udp->setOption(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, $source));
    var_dump($udp->setOption(IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, $source));
    foreach ([['group' => 'x'], ['interface' => 'lo'], ['group' => '224.0.0.23', 'interface' => 'none0'], 7] as $wrong) {
        var_dump($udp->setOption(IPPROTO_IP, MCAST_JOIN_GROUP, $wrong), $udp->errCode);
    }
    // A datagram for a group that the receiver joined.
    $receiver = new Socket(AF_INET, SOCK_DGRAM, 0);
    $receiver->bind('0.0.0.0', 0);
    $receiver->setOption(IPPROTO_IP, MCAST_JOIN_GROUP, $group);
    $udp->sendto('224.0.0.23', $receiver->getsockname()['port'], 'to the group');
    var_dump($receiver->recvfrom($peer, 2));
});
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(false)
int(99)
bool(true)
bool(true)
bool(false)
int(22)
bool(false)
int(22)
bool(false)
int(19)
bool(false)
int(22)
string(12) "to the group"
