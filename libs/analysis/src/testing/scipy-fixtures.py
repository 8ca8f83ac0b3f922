# Values of scipy for the tests of libs/analysis: python3 scipy-fixtures.py > scipy-fixtures.json
import json, random
import numpy as np, scipy
from scipy.stats import norm, mannwhitneyu, betabinom, nbinom
from scipy.special import log_ndtr
rng = random.Random(7)
zs = [-38, -20, -9, -5, -3.0001, -3, -2.9999, -1.96, -1, -0.1, 0, 0.1, 0.5, 1, 1.6449, 1.96, 2.5, 3, 5, 8, 12]
normal = [{"z": z, "cdf": float(norm.cdf(z)), "logCdf": float(log_ndtr(z))} for z in zs]
def ev(s, t):
    # one-sided normal mixture: E = integral of the likelihood ratio over a half normal prior with tau = 1
    from scipy.integrate import quad
    f = lambda th: 2 * norm.pdf(th) * np.exp(th * s - t * th * th / 2)
    peak = max(0.0, s / (1 + t))
    v = sum(quad(f, a, b, epsabs=0, epsrel=1e-11, limit=200)[0] for a, b in [(0, peak), (peak, peak + 1), (peak + 1, peak + 12)] if b > a)
    return float(np.log(v))
evidence = [{"sum": s, "t": t, "logE": ev(s, t)} for s, t in [(0, 1), (3, 1), (6, 2), (9, 3), (-4, 10), (7.5, 5), (20, 30), (2, 60), (90, 30)]]
mw = []
for m, n, kind in [(5, 7, "int"), (20, 15, "int"), (60, 55, "float"), (50, 80, "shift"), (12, 12, "same"), (3, 40, "float")]:
    if kind == "int": a = [rng.randint(0, 6) for _ in range(m)]; b = [rng.randint(1, 7) for _ in range(n)]
    elif kind == "same": a = [4] * m; b = [4] * (n - 1) + [5]
    else: a = [round(rng.gauss(0, 1), 3) for _ in range(m)]; b = [round(rng.gauss(0.6 if kind == "shift" else 0, 1), 3) for _ in range(n)]
    r = mannwhitneyu(b, a, alternative="two-sided", method="asymptotic", use_continuity=True)
    mw.append({"first": a, "second": b, "u": float(r.statistic), "p": float(r.pvalue)})
bounds = [{"clean": c, "bound": float(1 - 0.05 ** (1 / c))} for c in [1, 3, 5, 10, 20, 50]]
# the likelihood ratio of the non-inferiority test, from binomial probabilities
from scipy.stats import binom
lr = [{"bad": k, "total": n, "fine": p, "allowed": q, "logRatio": float(binom.logpmf(k, n, p) - binom.logpmf(k, n, q))} for k, n, p, q in [(0, 1000, .0005, .0015), (3, 600, .002, .004), (12, 60, .1, .25), (40, 40, .5, .75)]]
# Pearson dispersion per degree of freedom, by chi-square of the periods against the pooled (bad + 1/2)/(total + 1)
series = [[rng.choice([0, 1, 2, 3, 9]), 500 + rng.randint(0, 400)] for _ in range(40)]
p0 = (sum(b for b, _ in series) + .5) / (sum(n for _, n in series) + 1)
disp = sum((b - n * p0) ** 2 / (n * p0 * (1 - p0)) for b, n in series) / 39
# dispersion as the judge takes it: the largest of the scatters of blocks of 1, 2, 5 and 10 periods (at least 6 blocks), by
# scipy.stats.chisquare of bad events against what the share would give, and of the good ones beside them
from scipy.stats import chisquare
def scatter(pairs, p, size):
    blocks = [tuple(map(sum, zip(*pairs[i * size:(i + 1) * size]))) for i in range(len(pairs) // size)]
    if len(blocks) < 6: return 1.0
    stat = 0.0
    for b, n in blocks:
        # two cells of one period: sum((o - e)^2 / e) is Pearson's statistic of a binomial
        stat += sum((o - e) ** 2 / e for o, e in [(b, n * p), (n - b, n * (1 - p))])
    return stat / (len(blocks) - 1)
def dispersion(pairs):
    p = (sum(b for b, _ in pairs) + .5) / (sum(n for _, n in pairs) + 1)
    largest = max(1.0, *[scatter(pairs, p, k) for k in (1, 2, 5, 10)])
    phi = 1.0 if largest == 1 else largest * (1 + 11 / len(pairs))
    return {"series": pairs, "share": p, "phi": phi}
np.random.seed(11)
def drawn(n, p, phi, periods, hold=1):
    out = []
    for i in range(periods):
        if i % hold == 0: rate = np.random.gamma(n * p / (phi - 1), phi - 1) if phi > 1 else n * p
        out.append([int(min(n, np.random.poisson(rate))), n])
    return out
dispersions = [dispersion(drawn(*args)) for args in [(600, .002, 1, 60), (600, .002, 5, 60), (6000, .001, 5, 60, 5), (1000, .01, 3, 12), (60, .005, 2, 20, 10), (100, .3, 1, 59)]]
# agreement with chisquare on one column: the good cells' share is what differs
cells = dispersions[1]["series"]; p1 = dispersions[1]["share"]
obs = np.array([c for b, n in cells for c in (b, n - b)]); exp = np.array([c for b, n in cells for c in (n * p1, n * (1 - p1))])
assert abs(chisquare(obs, exp * obs.sum() / exp.sum(), sum_check=False).statistic / (len(cells) - 1) / scatter(cells, p1, 1) - 1) < 1e-6
# the bound that can just not be ruled out: the share q above the fine one at which the binomial likelihood ratio against it reaches phi * ln(1/alpha)
from scipy.optimize import brentq
def upper(bad, total, fine, phi, alpha):
    f = lambda q: binom.logpmf(bad, total, fine) - binom.logpmf(bad, total, q) + phi * np.log(alpha)
    return float(brentq(f, max(fine, bad / total) + 1e-15, 1 - 1e-12, xtol=1e-15, rtol=1e-14))
uppers = [{"baseline": [b0, n0], "after": [b, n], "objective": o, "bound": upper(b, n, max(s := (b0 * 60 + .5) / (n0 * 60 + 1), .25 * min(s + max(s, 1 - o), (1 + s) / 2)), 1.0, .05)}
  for (b0, n0), (b, n), o in [((1, 1000), (10, 10000), .999), ((0, 600), (0, 6000), .999), ((0, 600), (3, 6000), .99), ((2, 100), (30, 1000), .95), ((5, 1000), (5, 5000), .999), ((1, 60), (0, 30), .99)]]
# Hodges-Lehmann: the median of all pairwise differences (scipy has no function of it; by numpy), and the peers' median and standard deviation
hl = [{"first": t["first"], "second": t["second"], "shift": float(np.median(np.subtract.outer(np.array(t["second"]), np.array(t["first"]))))} for t in mw]
from scipy.stats import tstd
peers = []
for rises in [[.01, .02, .03], [.002, .004, .001, .05], [-.01, -.02, .005], [0, 0, 0], [.1, .11, .12, .13, .5, .09, .1]]:
    peers.append({"rises": rises, "shift": max(0.0, float(np.median(rises))), "spread": float(tstd(rises))})
print(json.dumps({"source": f"scipy {scipy.__version__}, numpy {np.__version__}: scipy-fixtures.py", "normal": normal, "evidence": evidence, "mannWhitney": mw, "failingShare": bounds, "logRatio": lr, "dispersion": {"series": series, "share": p0, "phi": disp}, "dispersions": dispersions, "upperBound": uppers, "hodgesLehmann": hl, "peerShift": peers}))
