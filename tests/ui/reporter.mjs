// Prints one plain closing line: "N passed, N failed, N skipped".
export default class {
  counts = { passed: 0, failed: 0, skipped: 0 };
  onTestEnd(test, result) {
    if (result.status === 'skipped') this.counts.skipped += 1;
    else if (result.status === test.expectedStatus) this.counts.passed += 1;
    else this.counts.failed += 1;
  }
  onEnd() {
    const { passed, failed, skipped } = this.counts;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
}
