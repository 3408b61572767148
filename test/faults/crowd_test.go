// SPDX-License-Identifier: Apache-2.0

package faults

const crowdEnv = "TCPRESUME_FAULTS_CROWD"

func beCrowd(string) int { return 1 }
