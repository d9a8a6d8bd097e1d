<?php
// Arrays and strings as objects, and an object that stands for another.
//
//     php -d extension=target/release/libswoosh_php.so examples/php/library.php
use Swoole\ObjectProxy;

$words = _string(' the quick brown fox ')->trim()->split(' ');
echo $words->map('ucfirst')->join(' '), "\n";
echo $words->filter(fn ($word) => strlen($word) > 3)->sort()->join(', '), "\n";
echo _mbstring('Grüße')->substr(0, 3), ' of ', _mbstring('Grüße')->length(), " letters\n";

$settings = _array(['workers' => 4, 'name' => 'demo']);
echo $settings->get('name')->upper(), ' has ', $settings['workers'], " workers\n";
try {
    $settings->get('port');
} catch (Swoole\Exception\ArrayKeyNotExists) {
    echo 'no port is set, it is ', $settings->getOr('port', 9000), "\n";
}

/** Counts the calls of an object's methods. */
final class Counting extends ObjectProxy
{
    public int $calls = 0;

    public function __call(string $name, array $arguments)
    {
        $this->calls++;
        return parent::__call($name, $arguments);
    }
}
$date = new Counting(new DateTime('2024-02-29'));
echo $date->modify('+1 year')->format('j F Y'), ', ', $date->format('N'), ", $date->calls calls\n";
