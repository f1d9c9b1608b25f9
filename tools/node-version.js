// Ends in a sentence where Node is too old for the tools. Plain JavaScript: an old Node cannot read the others.

/** From here on there is `URLPattern`, and TypeScript is read as it is. */
const OLDEST = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  process.stderr.write(
    `Weir's tools need Node ${OLDEST}, and this is ${process.version}. \`npm ci\` and \`pnpm install\` bring one along (the package \`node\`),
whose install script must be let run: without --ignore-scripts. Or install Node ${OLDEST}.\n`,
  );
  process.exit(2);
}
