//! The fuzz targets with random bytes from fixed seeds: a short version of `cargo fuzz`.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

/// Runs of each target.
const RUNS: usize = 4000;

/// Inputs of every protocol, which are changed at random.
const SEEDS: &[&[u8]] = &[
    b"GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabcGET / HTTP/1.0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nuntil it ends",
    b"\0\0\x04\x01\x05\0\0\0\x01\x82\x86\x84\xbe\0\0\x03\x01\x04\0\0\0\x03\x83\x86\x84\0\0\x06\0\x08\0\0\0\x03\x02abc\0\0\0\0\x04\x01\x05\0\0\0\x03\0\x01a\0",
    b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\x01\0\0\0\0\x08\x06\0\0\0\0\x0012345678\0\0\x05\x01\x09\0\0\0\x01\x01\x82\x86\x84\0\0\0\x02\x09\x04\0\0\0\x01\x82\x86\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nSum: 1\r\n\r\n",
    b"\x02\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80abcd\x01\x81abcda\x80\x81abcdb\x88\x82abcd\x62\x8a",
    b"\x01\x81\x05Hello\x01\x03Hel\x89\x02hi\x80\x02lo\x82\x7e\x00\x7e\x88\x02\x03\xe8",
    b"\x01\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
    b"\xf2\x48\xcd\xc9\xc9\x07\x00",
    b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\nPING\r\n",
    b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\xc0\x00\x30\x80\x01x\x82\x03\x00\x01a",
    b"\x03\x00\x05hello\x00\x02ab\x05\x00hello",
    b"one\r\ntwo\r\n\r\nthree\n\r",
    b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\nContent-Type: text/plain\r\n\r\n22\r\n--b--\r\n",
    b"a=1&b=%20%zz+&=c&d",
];

#[test]
fn random_bytes_crash_no_parser_and_parse_the_same_in_pieces() {
    for (number, (name, target)) in targets::TARGETS.iter().enumerate() {
        let mut random = Random(0x5EED_0001 + number as u64);
        for run in 0..RUNS {
            let seed = SEEDS[random.below(SEEDS.len())];
            let data = random.changed(seed);
            let outcome = std::panic::catch_unwind(|| target(&data));
            assert!(outcome.is_ok(), "{name}, run {run}: {:?}", data.escape_ascii().to_string());
        }
    }
}

/// xorshift: the same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    /// Those bytes with a few of them changed, put in, taken out or doubled; now and then none of them are left.
    fn changed(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = match self.below(20) {
            0 => (0..self.below(300)).map(|_| self.below(256) as u8).collect(),
            _ => seed.to_vec(),
        };
        for _ in 0..self.below(6) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(40)).min(bytes.len());
            match self.below(5) {
                _ if bytes.is_empty() => {}
                0 => bytes[at] = self.below(256) as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes.insert(at, b"\r\n \t:;,0fF\0\x80\xff"[self.below(13)]),
                3 => drop(bytes.drain(at..end)),
                _ => {
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        bytes
    }
}
