using System.Globalization;

namespace Ciba.AspNetCore.Tests;

/// <summary>Random steps, one after the other, beside a store that is too simple to be wrong.</summary>
public abstract partial class RequestStoreContract
{
    private const int Steps = 600;

    private static readonly string[] Users = [Alice, Bob, "carol"];
    private static readonly CibaRequestStatus[] Outcomes = [CibaRequestStatus.Approved, CibaRequestStatus.Approved, CibaRequestStatus.Denied, CibaRequestStatus.Failed];
    private static readonly string[] AskingClients = [Client, "other"];

    [Test, Spec("T3"), Spec("T8"), Spec("U3"), Spec("U5")]
    public async Task Whatever_comes_in_whatever_order_ends_as_the_documentation_says([Range(1, 20)] int seed)
    {
        var walk = new RandomWalk(this, new Random(seed));

        for (var step = 0; step < Steps; step++)
        {
            var (what, actual, expected) = await walk.StepAsync();
            Assert.That(actual, Is.EqualTo(expected), $"seed {seed}, step {step}: {what}");
        }
    }

    private sealed class RandomWalk(RequestStoreContract contract, Random random)
    {
        private readonly ModelStore _model = new();
        private readonly List<CibaRequest> _requests = [contract.New()];
        private readonly List<(string Id, string Lease)> _leases = [("x", "x")];

        public async Task<(string What, string Actual, string Expected)> StepAsync()
        {
            // Most steps look at one of the last requests, where something still happens.
            var request = _requests[Math.Max(0, _requests.Count - 1 - random.Next(6))];
            var now = contract.Now;
            switch (random.Next(13))
            {
                case 12:
                    var notifications = Notifications(random.Next(4), random.Next(3));
                    return Step($"notify {request.Id}", await contract.Store.CountNotificationAsync(request, notifications, byClient: true, now, CancellationToken.None), _model.CountNotification(request, notifications, now));
                case 0 or 1:
                    return await AddAsync(random.Next(3) == 0 ? request : null);
                case 2 or 3 or 4:
                    return await PollAsync(request, now);
                case 5:
                    return await PollAsync(_requests.FindLast(leased => leased.Id == _leases[^1].Id) ?? request, now);
                case 6:
                    return await EndLeaseAsync(now);
                case 7 or 8:
                    var decision = new CibaDecision { Outcome = Pick(Outcomes), DecidedAt = now };
                    var subject = random.Next(5) == 0 ? Pick(Users) : request.Subject;
                    return Step($"decide {request.Id}", await contract.Store.DecideAsync(request.Id, subject, decision, now, CancellationToken.None),
                        _model.Decide(request.Id, subject, decision.Outcome, now));
                case 9:
                    var found = await contract.Store.GetAsync(request.Id, request.Subject, now, CancellationToken.None);
                    return Step($"get {request.Id}", found?.Status, _model.Get(request.Id, request.Subject, now));
                case 10 when random.Next(2) == 0 && now < request.ExpiresAt:
                    return Step($"remove {request.Id}", await contract.Store.RemoveAsync(request.Id, request.Subject, CancellationToken.None), _model.Remove(request.Id, now));
                default:
                    contract.Time.Advance(TimeSpan.FromSeconds(random.Next(12)));
                    return await ListAsync(Pick(Users));
            }
        }

        private async Task<(string What, string Actual, string Expected)> AddAsync(CibaRequest? withdrawn)
        {
            var now = contract.Now;
            var subject = Pick(Users);
            var again = withdrawn is not null && _model.Get(withdrawn.Id, withdrawn.Subject, now) is null ? withdrawn : null;
            var lifetime = TimeSpan.FromSeconds(random.Next(1, 60));
            var request = new CibaRequest
            {
                Id = again?.Id ?? contract.New(subject).Id,
                ClientId = Pick(AskingClients),
                ClientName = "A client",
                Subject = again?.Subject ?? subject,
                Scopes = ["openid"],
                Interval = TimeSpan.FromSeconds(random.Next(5, 12)),
                CreatedAt = now,
                ExpiresAt = now + lifetime,
                RetainedUntil = now + lifetime + TimeSpan.FromSeconds(random.Next(60)),
            };
            _requests.Add(request);
            var limits = new CibaRequestLimits(random.Next(5), random.Next(3)) { PerClient = random.Next(1, 12), Notifications = Notifications(random.Next(8), random.Next(5)) };
            return Step($"add {request.Id}", await contract.Store.AddAsync(request, limits, CancellationToken.None), _model.Add(request, limits));
        }

        private async Task<(string What, string Actual, string Expected)> PollAsync(CibaRequest request, DateTimeOffset now)
        {
            var clientId = random.Next(6) == 0 ? Pick(AskingClients) : request.ClientId;
            var lease = TimeSpan.FromSeconds(random.Next(1, 20));
            var found = await contract.Store.PollAsync(request.Id, clientId, now, lease, CancellationToken.None);
            var expected = _model.Poll(request.Id, clientId, now, lease);
            if (found.Lease is { } got && expected == CibaPollStatus.Approved)
            {
                _model.Leased(request.Id, got, now);
                _leases.Add((request.Id, got));
            }

            return Step($"poll {request.Id}", found.Status, expected);
        }

        private async Task<(string What, string Actual, string Expected)> EndLeaseAsync(DateTimeOffset now)
        {
            var (id, lease) = _leases[Math.Max(0, _leases.Count - 1 - random.Next(3))];

            // These steps know no time: a store may forget a little later than it could.
            if (_requests.FindLast(request => request.Id == id) is not { } request || now >= request.RetainedUntil)
            {
                return ("nothing", "", "");
            }

            return random.Next(2) == 0
                ? Step($"complete {id}", await contract.Store.CompleteAsync(id, lease, CancellationToken.None), _model.EndLease(id, lease, CibaRequestStatus.Redeemed, now))
                : Step($"release {id}", await contract.Store.ReleaseAsync(id, lease, CancellationToken.None), _model.EndLease(id, lease, CibaRequestStatus.Approved, now));
        }

        private async Task<(string What, string Actual, string Expected)> ListAsync(string subject)
        {
            var listed = await contract.Store.ListPendingAsync(subject, contract.Now, CancellationToken.None);
            Assert.That(listed.Select(request => request.CreatedAt), Is.Ordered);
            return Step($"list of {subject}", Ids(listed), Ids(_model.Pending(subject, contract.Now)));

            // Those of one instant have no order.
            static string Ids(IEnumerable<CibaRequest> requests) => string.Join(' ', requests.Select(request => request.Id).Order(StringComparer.Ordinal));
        }

        private static CibaNotificationLimits Notifications(int perUser, int perUserAndClient) =>
            new() { PerUser = perUser, PerUserAndClient = perUserAndClient, Window = perUser + perUserAndClient > 0 ? Seconds(20) : TimeSpan.Zero };

        private T Pick<T>(T[] values) => values[random.Next(values.Length)];

        private static (string What, string Actual, string Expected) Step<T>(string what, T actual, T expected) => (what, Text(actual), Text(expected));

        private static string Text<T>(T value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
    }
}
