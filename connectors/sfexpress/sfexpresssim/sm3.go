package sfexpresssim

import (
	"encoding/binary"
	"math/bits"
)

// sm3 is the hash of GB/T 32905-2016.
func sm3(msg []byte) [32]byte {
	v := [8]uint32{0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e}
	padded := append(append([]byte(nil), msg...), 0x80)
	for len(padded)%64 != 56 {
		padded = append(padded, 0)
	}
	padded = binary.BigEndian.AppendUint64(padded, uint64(len(msg))*8)
	for ; len(padded) > 0; padded = padded[64:] {
		v = sm3Block(v, padded[:64])
	}
	var out [32]byte
	for i, word := range v {
		binary.BigEndian.PutUint32(out[4*i:], word)
	}
	return out
}

func sm3Block(v [8]uint32, block []byte) [8]uint32 {
	rot := bits.RotateLeft32
	var w [68]uint32
	for j := range 16 {
		w[j] = binary.BigEndian.Uint32(block[4*j:])
	}
	for j := 16; j < 68; j++ {
		x := w[j-16] ^ w[j-9] ^ rot(w[j-3], 15)
		w[j] = x ^ rot(x, 15) ^ rot(x, 23) ^ rot(w[j-13], 7) ^ w[j-6]
	}
	a, b, c, d, e, f, g, h := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	for j := range 64 {
		t, ff, gg := uint32(0x79cc4519), a^b^c, e^f^g
		if j >= 16 {
			t, ff, gg = 0x7a879d8a, a&b|a&c|b&c, e&f|^e&g
		}
		ss1 := rot(rot(a, 12)+e+rot(t, j%32), 7)
		ss2 := ss1 ^ rot(a, 12)
		tt1 := ff + d + ss2 + (w[j] ^ w[j+4])
		tt2 := gg + h + ss1 + w[j]
		d, c, b, a = c, rot(b, 9), a, tt1
		h, g, f, e = g, rot(f, 19), e, tt2^rot(tt2, 9)^rot(tt2, 17)
	}
	for i, x := range [8]uint32{a, b, c, d, e, f, g, h} {
		v[i] ^= x
	}
	return v
}
