<?php
// The message of the gRPC examples, with its encoding by hand: field 1 of type string. Protoc generates such classes.

final class Text
{
    public function __construct(public string $text = '')
    {
    }

    public function serializeToString(): string
    {
        if ($this->text === '') {
            return '';
        }
        for ($length = strlen($this->text), $bytes = "\x0a"; $length > 127; $length >>= 7) {
            $bytes .= chr($length & 127 | 128);
        }
        return $bytes . chr($length) . $this->text;
    }

    public function mergeFromString(string $bytes): void
    {
        for ($at = 1, $length = $shift = 0; isset($bytes[$at]); $at++, $shift += 7) {
            $length |= (ord($bytes[$at]) & 127) << $shift;
            if (ord($bytes[$at]) < 128) {
                break;
            }
        }
        if ($bytes !== '' && ($bytes[0] !== "\x0a" || strlen($bytes) !== $at + 1 + $length)) {
            throw new Exception('this is no Text');
        }
        $this->text = (string) substr($bytes, $at + 1);
    }
}
