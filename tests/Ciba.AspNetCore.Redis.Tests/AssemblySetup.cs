[assembly: Ciba.AspNetCore.Redis.Tests.Hosting.HangGuard]
[assembly: Parallelizable(ParallelScope.All)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
