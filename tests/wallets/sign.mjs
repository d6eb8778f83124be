// Signs as wallets do: one JSON request on stdin, one answer on stdout. Called by tests/integration/delegations/test_wallets.py.
import { readFileSync } from "node:fs";

async function signWithEthers({ key, typedData }) {
  const { Wallet } = await import("ethers");
  const { EIP712Domain, ...types } = typedData.types;
  return { signature: await new Wallet(key).signTypedData(typedData.domain, types, typedData.message) };
}

async function signWithProtocolKit({ key, rpcUrl, safe, safeTxData }) {
  const { default: Safe } = await import("@safe-global/protocol-kit");
  const protocolKit = await Safe.init({ provider: rpcUrl, signer: key, safeAddress: safe });
  const { to, value, data, operation, ...options } = safeTxData;
  const transaction = await protocolKit.createTransaction({ transactions: [{ to, value, data, operation }], options });
  const signatures = {};
  for (const method of ["eth_signTypedData_v4", "eth_sign"]) {
    const signed = await protocolKit.signTransaction(transaction, method);
    signatures[method] = [...signed.signatures.values()][0].data;
  }
  return { safeTxHash: await protocolKit.getTransactionHash(transaction), fields: transaction.data, signatures };
}

const wallets = { ethers: signWithEthers, protocolKit: signWithProtocolKit };
const { wallet, ...request } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await wallets[wallet](request)));
