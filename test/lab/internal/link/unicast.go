// SPDX-License-Identifier: Apache-2.0

package link

// isUnicast keeps the hosts' multicast chatter (MLD reports and the like) off the
// link: it would take bandwidth and throw the dice at moments no seed fixes.
func isUnicast(packet []byte) bool {
	if len(packet) < 20 {
		return false
	}
	switch packet[0] >> 4 {
	case 4:
		return packet[16]>>4 != 0xe
	case 6:
		return len(packet) >= 40 && packet[24] != 0xff
	default:
		return false
	}
}
