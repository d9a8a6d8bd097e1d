--TEST--
gRPC messages are found however their bytes arrive, random bytes give a status at most, and metadata, timeouts and texts survive their encoding
--EXTENSIONS--
swoole
--FILE--
<?php
use Swoosh\Grpc\{Exception, Messages, Metadata};
mt_srand(7);
/** All messages of bytes that arrive in pieces of up to `$most` bytes, and the status that ends them. */
function read_all(string $bytes, int $most, string $encoding): array
{
    $messages = new Messages(1000, $encoding);
    $all = [];
    try {
        for ($at = 0; $at < strlen($bytes); $at += $length) {
            $messages->add(substr($bytes, $at, $length = mt_rand(1, $most)));
            while (($message = $messages->next()) !== null) {
                $all[] = $message;
            }
        }
        return [$all, $messages->isIncomplete() ? 'incomplete' : 'complete'];
    } catch (Exception $e) {
        return [$all, $e->getCode()];
    }
}
$encodings = Messages::knows('gzip') ? Messages::ENCODINGS : ['identity'];
$wrong = $random = 0;
for ($run = 0; $run < 300; $run++) {
    $encoding = $encodings[$run % count($encodings)];
    $sent = [];
    $bytes = '';
    for ($n = mt_rand(0, 6); $n > 0; $n--) {
        $sent[] = $message = str_repeat(chr(mt_rand(0, 255)), mt_rand(0, 1000));
        // A sender may leave a message as it is.
        $bytes .= Messages::frame($message, mt_rand(0, 1) ? $encoding : 'identity');
    }
    $wrong += read_all($bytes, mt_rand(1, 2000), $encoding) !== [$sent, 'complete'];
    // Some bytes changed: the same result in pieces as at once.
    for ($n = mt_rand(1, 4); $bytes !== '' && $n > 0; $n--) {
        $bytes[mt_rand(0, strlen($bytes) - 1)] = chr(mt_rand(0, 255));
    }
    $random += read_all($bytes, 7, $encoding) !== read_all($bytes, 1 << 20, $encoding);
}
echo "wrong $wrong, different $random\n";

$differ = 0;
for ($run = 0; $run < 300; $run++) {
    $metadata = ['key-' . mt_rand(0, 99) => [bin2hex(random_bytes(mt_rand(1, 9)))], 'some-bin' => [random_bytes(mt_rand(1, 40)), random_bytes(mt_rand(1, 3))]];
    $differ += Metadata::decode(Metadata::encode($metadata)) !== $metadata;
    $text = random_bytes(mt_rand(1, 30));
    $encoded = Metadata::encodeMessage($text);
    $differ += Metadata::decodeMessage($encoded) !== $text || !preg_match('/^[\x20-\x7e]*$/D', $encoded);
    $seconds = 10 ** mt_rand(-8, 9) * mt_rand(1, 100);
    $value = Metadata::encodeTimeout($seconds);
    // At most as much longer as the last digit of the unit says.
    $decoded = Metadata::decodeTimeout($value);
    $differ += strlen($value) > 9 || $decoded < $seconds * 0.999999 || $decoded > $seconds * 1.000001 + 2e-9;
}
echo "differ $differ\n";
echo json_encode(array_map(Metadata::decodeTimeout(...), ['1H', '2M', '3S', '4m', '5u', '6n', '', 'S', '1', '123456789S', '-1S', "1S\n"])), "\n";
echo Metadata::encodeTimeout(0), ' ', Metadata::encodeTimeout(0.25), ' ', Metadata::encodeTimeout(1e12), "\n";
// Padding and lists in -bin values, and fields that are no metadata.
echo json_encode(Metadata::decode(['a-bin' => 'YQ==,YWI', 'b-bin' => ['Yg', '*'], 'c' => ['1', '2'], 'grpc-status' => '0', 'te' => 'trailers', 'content-type' => 'x'])), "\n";
--EXPECT--
wrong 0, different 0
differ 0
[3600,120,3,0.004,5.0e-6,6.0e-9,null,null,null,null,null,null]
1n 250000u 99999999H
{"a-bin":["a","ab"],"b-bin":["b"],"c":["1","2"]}
