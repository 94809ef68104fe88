"""What document 000 says of generated text and behaviour data, run."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from course.data import PlantedTastes, hold_out, labelled_prose
from course.metrics.ranking import gini, recall_at_k
from course.models.naive_bayes import MultinomialNaiveBayes
from course.models.recommender import ImplicitALS, ItemKNN, Popularity

TABLES = np.random.RandomState(7).dirichlet(np.full(50, 2.0), size=2)


def documents(n, seed):
    """Texts of eight words from a planted language with two classes."""
    rng, y = np.random.RandomState(seed), np.arange(n) % 2
    return np.stack([rng.multinomial(8, TABLES[k]) for k in y]), y


def joined(a, b):
    return tuple(np.concatenate(pair) for pair in zip(a, b, strict=True))


def test_naive_bayes_learns_nothing_from_its_own_texts():
    """40 documents and 20 000 of its own: nothing; 400 real ones: better."""
    test = documents(4000, seed=99)
    for seed in range(3):
        small = documents(40, seed)
        model = MultinomialNaiveBayes().fit(*small)
        own = model.sample(20_000, random_state=seed)
        again = MultinomialNaiveBayes().fit(*joined(small, own))
        more = MultinomialNaiveBayes().fit(*documents(400, 10 + seed))
        assert abs(again.probs_ - model.probs_).max() < 0.005
        assert abs(again.score(*test) - model.score(*test)) < 0.01
        assert (
            more.score(*test)
            > max(m.score(*test) for m in (model, again)) + 0.02
        )


def test_the_refit_has_the_mean_and_the_variance_of_the_theorem():
    """D0-Q2: what own texts do to naive Bayes, exactly."""
    X, y = documents(40, seed=0)
    model = MultinomialNaiveBayes(smoothing=0.5).fit(X, y)
    rng, refits, words = np.random.RandomState(0), [], 300
    for _ in range(600):
        more = np.stack([rng.multinomial(words, p) for p in model.probs_])
        both = np.r_[X, more], np.r_[y, [0, 1]]
        refits.append(MultinomialNaiveBayes(smoothing=0.5).fit(*both).probs_)
    refits, rho = np.array(refits), model.probs_
    A = X[y == 0].sum() + 0.5 * 50
    variance = rho * (1 - rho) * words / (A + words) ** 2
    z = (refits.mean(axis=0) - rho) / np.sqrt(variance / 600)
    assert abs(z).max() < 4.5
    ratio = refits.var(axis=0)[0] / variance[0]
    assert abs(ratio.mean() - 1) < 0.06


def test_a_pupil_of_naive_bayes_ends_where_its_teacher_is():
    """D0-Q2: logistic regression on 20 000 own texts ends at its teacher."""
    teacher = MultinomialNaiveBayes().fit(*documents(200, seed=0))
    X, y = teacher.sample(20_000, random_state=0)
    pupil = LogisticRegression(C=1e4, max_iter=2000).fit(csr_matrix(X), y)
    new, _ = documents(2000, seed=5)
    odds = np.diff(teacher.joint_log_prob(new), axis=1)[:, 0]
    assert np.corrcoef(pupil.decision_function(new), odds)[0, 1] > 0.98
    assert (pupil.predict(new) == teacher.predict(new)).mean() > 0.95


def test_wrong_labels_hurt_and_own_texts_do_not_help_on_real_text():
    """D0-Q2, on paragraphs of real text."""
    train, test = labelled_prose("train"), labelled_prose("test")
    scores = {"real": [], "own": [], "wrong": []}
    for seed in range(4):
        rng = np.random.RandomState(seed)
        rows = np.concatenate(
            [
                rng.permutation(np.flatnonzero(train.y == k))[:15]
                for k in range(5)
            ]
        )
        texts, y = [train.texts[i] for i in rows], train.y[rows]
        words = CountVectorizer(token_pattern="[a-z]+").fit(texts)
        X, Z = (words.transform(t).toarray() for t in (texts, test.texts))
        model = MultinomialNaiveBayes(smoothing=0.5).fit(X, y)
        more, z = model.sample(300, random_state=seed)
        wrong = np.where(rng.rand(300) < 0.4, (z + 1) % 5, z)
        for name, labels in {"own": z, "wrong": wrong}.items():
            both = joined((X, y), (more, labels))
            again = MultinomialNaiveBayes(smoothing=0.5).fit(*both)
            scores[name].append(again.score(Z, test.y))
        scores["real"].append(model.score(Z, test.y))
    real, own, wrong = (np.mean(scores[k]) for k in ("real", "own", "wrong"))
    assert own < real + 0.01
    assert wrong < own - 0.03


def drawn(weights, counts, rng):
    """Rows with so many ones, drawn by weight without replacement."""
    key = np.log(weights + 1e-12) + rng.gumbel(size=weights.shape)
    place = np.argsort(np.argsort(-key, axis=1), axis=1)
    return (place < counts[:, None]).astype(float)


def test_synthetic_users_do_not_help_where_real_ones_do():
    """By popularity, by itself; with a penalty that copies leave alone."""
    world = PlantedTastes()
    for seed in range(3):
        seen, held = hold_out(world.sample(300, seed=seed).x, seed=seed)
        rng = np.random.RandomState(seed)
        base = ImplicitALS(8, penalty=20, max_iter=12, random_state=0).fit(seen)
        twice, popular = np.tile(seen, (2, 1)), np.tile(seen.sum(0), (600, 1))
        added = {
            "copies": twice,
            "popularity": drawn(popular, twice.sum(1), rng),
            "own": drawn(base.scores(twice).clip(0), twice.sum(1), rng),
            "real": hold_out(world.sample(600, seed=50 + seed).x)[0],
        }

        def recall(model, seen=seen, held=held):
            return recall_at_k(model.scores(seen), held, seen=seen).mean()

        als, knn = recall(base), recall(ItemKNN(50).fit(seen))
        fair = ImplicitALS(
            8, penalty=20 * np.sqrt(3), max_iter=12, random_state=0
        )
        gain = {}
        for name, users in added.items():
            X = np.r_[seen, users]
            neighbours = ItemKNN(50).fit(X)
            gain[name] = recall(fair.fit(X)) - als, recall(neighbours) - knn
        assert abs(gain["copies"][0]) < 0.004
        for name in ("popularity", "own"):
            assert max(gain[name]) < 0.002
            assert min(gain[name]) < -0.005
        assert gain["popularity"][1] < -0.02
        assert min(gain["real"]) > 0.005
        baseline = recall(Popularity().fit(seen))
        assert baseline < als - 0.1


def test_logs_of_what_was_shown_become_more_unequal():
    """D0-Q3: users and their tastes stay; what is popular is shown."""
    world = PlantedTastes()
    for seed in range(3):
        ends = {}
        for way in ("popular", "random"):
            x, probs = world.sample(300, seed=seed)
            log, rng = (
                hold_out(x, 0.75, seed=seed)[0],
                np.random.RandomState(seed),
            )
            start = gini(log.sum(axis=0))
            for _ in range(5):
                random = rng.rand(*log.shape)
                scores = Popularity().fit(log).scores(log)
                scores = scores if way == "popular" else random
                scores = np.where(log > 0, -np.inf, scores)
                order = np.argsort(-scores, axis=1, kind="stable")[:, :10]
                shown = np.zeros_like(log)
                np.put_along_axis(shown, order, 1, axis=1)
                taken = rng.rand(*log.shape) < probs
                log = np.maximum(log, shown * taken)
            ends[way] = gini(log.sum(axis=0)) - start
        assert ends["popular"] > 0.15
        assert ends["random"] < 0.03
