// Compiles sandbox/contracts to one JSON artifact a deployable contract.
// Usage: node compile.mjs <output directory>
// The output depends on nothing but the sources and the settings below, so it can be compared byte for byte.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const contracts = join(here, "..", "contracts");
const require = createRequire(join(here, "..", "package.json"));

const DEPLOYABLE = {
  "ArbSys.sol": "ArbSys",
  "Faucet.sol": "Faucet",
  "PriceRouter.sol": "PriceRouter",
  "PriceUpKeep.sol": "PriceUpKeep",
  "Registry.sol": "Registry",
  "Usdc.sol": "Usdc",
  "Vault.sol": "Vault",
  "callbacks/TradingCallbacks.sol": "TradingCallbacks",
  "storage/PairInfos.sol": "PairInfos",
  "storage/PairsStorage.sol": "PairsStorage",
  "storage/TradingStorage.sol": "TradingStorage",
  "trading/Trading.sol": "Trading",
};

const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  viaIR: true,
  // Without the metadata hash the bytecode does not change with comments.
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

function listSources(directory) {
  return readdirSync(directory).sort().flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return listSources(path);
    return name.endsWith(".sol") ? [path] : [];
  });
}

function compile(solc) {
  const sources = {};
  for (const path of listSources(contracts)) {
    const name = relative(contracts, path).split(sep).join("/");
    sources[name] = { content: readFileSync(path, "utf8") };
  }
  const outputSelection = {};
  for (const [file, contract] of Object.entries(DEPLOYABLE)) {
    outputSelection[file] = { [contract]: ["abi", "evm.deployedBytecode.object"] };
  }
  const input = { language: "Solidity", sources, settings: { ...SETTINGS, outputSelection } };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const messages = output.errors ?? [];
  for (const message of messages) process.stderr.write(message.formattedMessage + "\n");
  if (messages.length > 0) process.exit(1);
  return output.contracts;
}

function main() {
  const target = process.argv[2];
  if (!target) {
    process.stderr.write("usage: node compile.mjs <output directory>\n");
    process.exit(2);
  }
  const solc = require("solc");
  const compiled = compile(solc);
  mkdirSync(target, { recursive: true });
  for (const [file, contract] of Object.entries(DEPLOYABLE)) {
    const artifact = {
      contractName: contract,
      sourceName: file,
      compiler: solc.version(),
      settings: SETTINGS,
      abi: compiled[file][contract].abi,
      deployedBytecode: "0x" + compiled[file][contract].evm.deployedBytecode.object,
    };
    writeFileSync(join(target, `${contract}.json`), JSON.stringify(artifact, null, 1) + "\n");
  }
}

main();
