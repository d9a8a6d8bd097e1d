<?php

declare(strict_types=1);

namespace Swoole\Internal;

/** Mails by SMTP (RFC 5321). Without a server in the options, PHP's own mail() sends them. */
final class Mail
{
    /** @var resource */
    private $stream;

    public function __construct(private array $options)
    {
    }

    public function send(string $to, string $subject, string $message, array $headers): bool
    {
        foreach ([$to, $subject, ...array_keys($headers), ...array_values($headers)] as $field) {
            if (preg_match('/[\r\n\0]/', (string) $field)) {
                trigger_error('a field of a mail must not have a line break', E_USER_WARNING);
                return false;
            }
        }
        if (!isset($this->options['host'])) {
            return mail($to, $subject, $message, $headers);
        }
        try {
            $this->transfer($to, $subject, $message, $headers);
            return true;
        } catch (\RuntimeException $failure) {
            trigger_error("the mail was not sent: {$failure->getMessage()}", E_USER_WARNING);
            return false;
        } finally {
            if (is_resource($this->stream)) {
                fclose($this->stream);
            }
        }
    }

    private function transfer(string $to, string $subject, string $message, array $headers): void
    {
        $options = $this->options + ['port' => 25, 'ssl' => false, 'timeout' => 30, 'from' => get_current_user() . '@' . gethostname()];
        $from = $headers['From'] ?? $options['from'];
        $scheme = $options['ssl'] ? 'ssl' : 'tcp';
        $stream = @stream_socket_client("{$scheme}://{$options['host']}:{$options['port']}", $code, $reason, (float) $options['timeout']);
        if ($stream === false) {
            throw new \RuntimeException($reason, $code);
        }
        $this->stream = $stream;
        stream_set_timeout($this->stream, (int) $options['timeout']);
        $this->expect('2');
        $this->command('EHLO ' . gethostname(), '2');
        if (isset($options['user'])) {
            $this->command('AUTH PLAIN ' . base64_encode("\0{$options['user']}\0" . ($options['password'] ?? '')), '2');
        }
        $this->command('MAIL FROM:<' . self::address($from) . '>', '2');
        $recipients = array_map([self::class, 'address'], explode(',', $to));
        foreach ($recipients as $recipient) {
            $this->command("RCPT TO:<{$recipient}>", '2');
        }
        $this->command('DATA', '3');
        $encoded = preg_match('/[^\x20-\x7e]/', $subject) ? '=?UTF-8?B?' . base64_encode($subject) . '?=' : $subject;
        $fields = $headers + [
            'From' => $from, 'To' => $to, 'Subject' => $encoded, 'Date' => date(DATE_RFC2822),
            'Message-ID' => '<' . bin2hex(random_bytes(12)) . '@' . gethostname() . '>', 'MIME-Version' => '1.0',
            'Content-Type' => 'text/plain; charset=UTF-8', 'Content-Transfer-Encoding' => '8bit',
        ];
        $text = implode('', array_map(fn ($name, $value) => "{$name}: {$value}\r\n", array_keys($fields), $fields));
        $body = preg_replace('/\r\n|\r|\n/', "\r\n", $message);
        // A line that is a dot would end the mail (RFC 5321, section 4.5.2).
        $this->command($text . "\r\n" . preg_replace('/^\./m', '..', $body) . "\r\n.", '2');
        $this->command('QUIT', '2');
    }

    private function command(string $line, string $class): void
    {
        if (fwrite($this->stream, "{$line}\r\n") === false) {
            throw new \RuntimeException('the server has closed the connection');
        }
        $this->expect($class);
    }

    /** Reads a reply, whose code must begin with this digit. */
    private function expect(string $class): void
    {
        do {
            $line = fgets($this->stream, 1024);
            if ($line === false) {
                throw new \RuntimeException('the server does not answer');
            }
        } while (($line[3] ?? ' ') === '-');
        if ($line[0] !== $class) {
            throw new \RuntimeException(trim($line));
        }
    }

    /** The address in `Name <address>`. */
    private static function address(string $text): string
    {
        return preg_match('/<([^<>]+)>/', $text, $found) ? $found[1] : trim($text);
    }
}
